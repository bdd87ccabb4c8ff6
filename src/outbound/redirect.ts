import { CausewayError } from '../core/index.ts'

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Headers another origin may see. An allow list, because a key can sit in a header of any name. */
const HARMLESS =
  /^(accept|accept-language|accept-encoding|user-agent|range|if-(match|none-match|range|modified-since|unmodified-since))$/i

/** `given`: the address came in an answer, and may hold a credential in its query. */
export type Hop = { url: URL; headers: Record<string, string>; given?: true }

export const isRedirect = (status: number): boolean => REDIRECTS.has(status)

/**
 * Where a redirected GET or HEAD goes next. The same origin keeps the headers; another one gets none that could hold a
 * credential. The dialler checks the new address like any other.
 */
export function nextHop(from: Hop, location: string | undefined): Hop {
  const url = location === undefined ? null : URL.parse(location, from.url.href)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw refused(from, 'to something that is not an http(s) address')
  }
  if (from.url.protocol === 'https:' && url.protocol === 'http:') throw refused(from, 'from https to plain http')
  // User info in a Location would become our Authorization header there.
  url.username = ''
  url.password = ''
  url.hash = ''
  if (url.origin === from.url.origin) return { url, headers: from.headers, given: true }
  const kept = Object.entries(from.headers).filter(([name]) => HARMLESS.test(name))
  return { url, headers: Object.fromEntries(kept), given: true }
}

/** Too many hops, or a hop that must not be taken. */
export const refused = (from: Hop, how: string): CausewayError =>
  new CausewayError('CSW-3014', { what: `${from.url.origin} redirects ${how}.` })
