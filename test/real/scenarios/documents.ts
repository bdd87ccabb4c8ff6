/** Documents of one collection of Apache → another, with their bytes. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { seededDocuments } from '../boot/webdav-seed.ts'
import type { Env, Pair } from './pair.ts'

export const documentPairs: Pair[] = [
  {
    ...{ title: 'WebDAV documents → WebDAV', sync: 'minutes-to-copies', count: seededDocuments },
    source: async (env) => filesIn(path.join(env.DAV_FILES!, 'shared')),
    target: async (env) => filesIn(path.join(env.DAV_FILES!, 'copy')),
    change: async (env) => {
      await dav(env, 'PUT', '2024/01/Protokoll 0-3.txt', 'ein anderer Text: Größe «XL»\n')
      await dav(env, 'PUT', 'odd names/50% Rabatt.txt', '')
      await dav(env, 'PUT', '2026/Zoë „neu“.txt', 'neu\n'.repeat(1_000))
    },
    remove: async (env) => {
      await dav(env, 'DELETE', '2024/01/Protokoll 0-5.txt')
      await dav(env, 'DELETE', '2025/12/Protokoll 23-41.txt')
      await dav(env, 'DELETE', 'odd names/wer? niemand.txt')
    },
    move: async (env) => {
      await dav(env, 'MOVE', 'odd names/é composed.txt', '2026/é verschoben.txt')
      await dav(env, 'MOVE', '2024/02/Protokoll 1-7.txt', '2024/02/Protokoll 1-7, korrigiert.txt')
      await dav(env, 'MOVE', '2025/03', '2027/März')
    },
    // The last one is a folder of 42 documents.
    moved: 44,
  },
]

/** The files that the server gives out, by path, as hashes: thousands of them, each looked at six times. */
function filesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const pairs = files.map((entry) => {
    const file = path.join(entry.parentPath, entry.name)
    return [path.relative(folder, file), createHash('sha256').update(readFileSync(file)).digest('hex')] as const
  })
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** `more`: what a PUT writes, and where a MOVE goes. */
async function dav(env: Env, method: 'PUT' | 'DELETE' | 'MOVE', at: string, more?: string): Promise<void> {
  const parts = at.split('/')
  const urlOf = (to: string[]): string => env.DAV_URL! + to.map(encodeURIComponent).join('/')
  const authorization = `Basic ${Buffer.from(`${env.DAV_USER}:${env.DAV_PASSWORD}`).toString('base64')}`
  const call = (verb: string, to: string[], rest: { headers?: Record<string, string>; body?: string } = {}) =>
    fetch(urlOf(to), { method: verb, ...rest, headers: { authorization, ...rest.headers } })
  const target = method === 'MOVE' ? more!.split('/') : parts
  // A collection that is there already answers 405.
  if (method !== 'DELETE') await call('MKCOL', target.slice(0, -1))
  const rest =
    method === 'MOVE' ? { headers: { Destination: urlOf(target) } } : more === undefined ? {} : { body: more }
  const response = await call(method, parts, rest)
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
}
