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

async function dav(env: Env, method: string, at: string, body?: string): Promise<void> {
  const parts = at.split('/')
  const call = async (verb: string, to: string[], content?: string) =>
    fetch(env.DAV_URL! + to.map(encodeURIComponent).join('/'), {
      method: verb,
      headers: { authorization: `Basic ${Buffer.from(`${env.DAV_USER}:${env.DAV_PASSWORD}`).toString('base64')}` },
      ...(content === undefined ? {} : { body: content }),
    })
  // A collection that is there already answers 405.
  if (method === 'PUT') await call('MKCOL', parts.slice(0, -1))
  const response = await call(method, parts, body)
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
}
