/** The headers `RateLimit` and `RateLimit-Policy` of the IETF draft (draft-ietf-httpapi-ratelimit-headers), by policy name. */

type Policy = { remaining?: number; limit?: number; resetMs?: number }

/** `"burst";r=50;t=30, "daily";r=900`. Whatever is not well formed is passed over, as the draft wants it. */
export function policiesIn(headers: Record<string, string>): Map<string, Policy> {
  const found = new Map<string, Policy>()
  const entry = (name: string): Policy => {
    const known = found.get(name) ?? {}
    found.set(name, known)
    return known
  }
  for (const { name, parameters } of items(headers['ratelimit-policy'])) {
    const quota = parameters.get('q')
    if (quota !== undefined) entry(name).limit = quota
  }
  for (const { name, parameters } of items(headers.ratelimit)) {
    const [left, seconds] = [parameters.get('r'), parameters.get('t')]
    if (left !== undefined) entry(name).remaining = left
    if (seconds !== undefined) entry(name).resetMs = seconds * 1000
  }
  return found
}

const ITEM = /^\s*(?:"([^"\\]*)"|([A-Za-z*][\w*.:/-]*))\s*((?:;[^;]*)*)$/

function items(header: string | undefined): { name: string; parameters: Map<string, number> }[] {
  return splitList(header ?? '').flatMap((item) => {
    const match = ITEM.exec(item)
    if (!match) return []
    const parameters = new Map<string, number>()
    for (const [, key, value] of (match[3] ?? '').matchAll(/;\s*([a-z][a-z0-9_.*-]*)=(\d{1,15})(?=\s*(?:;|$))/g))
      parameters.set(key!, Number(value))
    return [{ name: match[1] ?? match[2]!, parameters }]
  })
}

/** At the commas outside quotes. */
const splitList = (header: string): string[] => header.match(/(?:"[^"]*"|[^",])+/g) ?? []
