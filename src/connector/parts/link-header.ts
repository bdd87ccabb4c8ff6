/** `Link` headers (RFC 8288). */

/**
 * The address with the given relation: `<https://…?page=2>; rel="next"`. Commas and semicolons may stand inside brackets and
 * quotes; `rel` may hold several values in any case.
 */
export function nextLink(header: string | undefined, rel: string): string | undefined {
  for (const [, address, parameters = ''] of (header ?? '').matchAll(/<([^>]*)>((?:[^,"]|"(?:[^"\\]|\\.)*")*)/g)) {
    const match = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters)
    const relations = (match?.[1] ?? match?.[2] ?? '').toLowerCase().split(/\s+/)
    if (relations.includes(rel.toLowerCase())) return address
  }
  return undefined
}
