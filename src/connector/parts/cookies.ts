/** Cookies of one connection (RFC 6265, as far as an API needs it): name and value per origin, until the system ends them. */
import type { IncomingHttpHeaders } from 'node:http'

export class Cookies {
  private readonly held = new Map<string, Map<string, string>>()

  /** Takes what an answer sets or ends. */
  keep(url: string, headers: IncomingHttpHeaders, now: Date): void {
    for (const line of headers['set-cookie'] ?? []) {
      const [pair = '', ...attributes] = line.split(';')
      const at = pair.indexOf('=')
      if (at <= 0) continue
      const name = pair.slice(0, at).trim()
      if (ended(attributes, now)) this.of(url).delete(name)
      else this.of(url).set(name, pair.slice(at + 1).trim())
    }
  }

  /** The `Cookie` header of a request; another origin never sees ours. */
  header(url: string): string | undefined {
    const pairs = [...this.of(url)].map(([name, value]) => `${name}=${value}`)
    return pairs.length ? pairs.join('; ') : undefined
  }

  /** Values, which are as good as passwords while they last. */
  secrets(url: string): string[] {
    return [...this.of(url).values()].filter((value) => value.length >= 6)
  }

  private of(url: string): Map<string, string> {
    const { origin } = new URL(url)
    const known = this.held.get(origin) ?? new Map<string, string>()
    this.held.set(origin, known)
    return known
  }
}

function ended(attributes: string[], now: Date): boolean {
  const value = (name: string): string | undefined =>
    attributes
      .map((attribute) => attribute.trim())
      .find((attribute) => attribute.toLowerCase().startsWith(`${name}=`))
      ?.slice(name.length + 1)
  // Max-Age wins over Expires.
  const age = value('max-age')
  if (age !== undefined) return Number(age) <= 0
  const expires = value('expires')
  return expires !== undefined && Date.parse(expires) <= now.getTime()
}
