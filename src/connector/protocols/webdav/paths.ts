/** Between paths as people write them and URLs as WebDAV writes them. Names are never normalised: é has two spellings. */
import { CausewayError } from '../../../core/index.ts'

/** The collection all paths are relative to: its URL ends with a slash, `prefix` is its path with every segment decoded. */
export type Root = { url: string; prefix: string[] }

/** The root of a stream below the base URL. `folder` is a plain path. */
export function rootOf(baseUrl: string, folder: string): Root {
  const segments = folder.split('/').filter(Boolean)
  for (const segment of segments) checkSegment(segment, folder)
  const url = `${[baseUrl.replace(/\/+$/, ''), ...segments.map(encodeURIComponent)].join('/')}/`
  const prefix = new URL(url).pathname.split('/').filter(Boolean).map(decodeURIComponent)
  return { url, prefix }
}

/** URL of a path below the root; a collection ends with a slash, else servers answer with a redirect. */
export function urlOf(root: Root, path: string, kind: 'file' | 'folder'): string {
  const segments = path === '' ? [] : path.split('/')
  for (const segment of segments) checkSegment(segment, path)
  const encoded = segments.map(encodeURIComponent).join('/')
  return root.url + encoded + (kind === 'folder' && encoded !== '' ? '/' : '')
}

/** Dot segments would climb out of the root, and stay dangerous when percent-encoded; empty ones vanish on some servers. */
function checkSegment(segment: string, path: string): void {
  const fault =
    segment === '' || segment === '.' || segment === '..'
      ? 'an empty or dot segment'
      : segment.includes('\0') || !segment.isWellFormed()
        ? 'a character that no URL can carry'
        : null
  if (fault === null) return
  throw new CausewayError('CSW-2056', {
    what: `The path ${JSON.stringify(path)} has ${fault}.`,
    fix: 'Let the mapping give a path such as "2026/invoice 17.pdf", with a slash between folders only.',
  })
}

/** The path a href stands for, relative to the root; null when it lies elsewhere or is no valid encoding. */
export function pathOf(root: Root, href: string): string | null {
  const url = URL.parse(href.trim(), root.url)
  if (url === null) return null
  const raw = rawPath(href.trim()) ?? url.pathname
  const segments: string[] = []
  for (const encoded of raw.split('/').filter(Boolean)) {
    const segment = decoded(encoded)
    // A slash inside a name cannot be told from a folder any more.
    if (segment === null || segment.includes('/')) return null
    segments.push(segment)
  }
  const below = root.prefix.every((segment, i) => segments[i] === segment)
  return below ? segments.slice(root.prefix.length).join('/') : null
}

/** The path as the server spelt it: the URL class would resolve `%2e%2e`, and re-encode what it thinks is wrong. */
function rawPath(href: string): string | null {
  const [path = ''] = href.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/)
  return path.startsWith('/') ? path : null
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
