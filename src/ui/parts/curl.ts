/** One call as the journal keeps it (src/outbound/exchange.ts): secrets are gone from it already. */
export type Call = {
  at: string
  method: string
  url: string
  status: number | null
  ms: number
  requestBytes: number
  responseBytes: number
  requestHeaders?: Record<string, string>
  request?: string
  error?: string
}

/** curl sets these itself. */
const OWN_HEADERS = new Set(['host', 'content-length', 'connection', 'accept-encoding', 'transfer-encoding'])

/** Quoted for a POSIX shell: nothing between single quotes means anything to it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The call as a command for a shell. What was hidden in the journal is hidden here: fill in your own credential. */
export function curlOf({ method, url, requestHeaders = {}, request }: Call): string {
  const headers = Object.entries(requestHeaders)
    .filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()))
    // No line breaks: a header of the command must not become two.
    .map(([name, value]) => `-H ${quoted(`${name}: ${value}`.replaceAll(/[\r\n]+/g, ' '))}`)
  return [
    `curl -X ${quoted(method)} --globoff --url ${quoted(url)}`,
    ...headers,
    ...(request === undefined ? [] : [`--data-raw ${quoted(request)}`]),
  ].join(' \\\n  ')
}
