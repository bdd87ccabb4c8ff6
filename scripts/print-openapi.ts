/** Prints docs/openapi.json, the document that a hub gives out at /openapi.json; with `--check` fails when the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccess } from '../src/access/index.ts'
import { buildServer } from '../src/http/index.ts'

const FILE = join(import.meta.dirname, '../docs/openapi.json')
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string
}
// Nothing behind the routes is needed to describe them.
const absent = {} as never
const adminToken = 'none'
const server = await buildServer(absent, { database: absent, access: createAccess(absent), adminToken, version })
const answer = await server.inject({ url: '/openapi.json', headers: { authorization: `Bearer ${adminToken}` } })
await server.close()
const text = `${JSON.stringify(JSON.parse(answer.body), null, 1)}\n`

if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (text !== readFileSync(FILE, 'utf8')) {
  console.error('docs/openapi.json is not what the routes say.')
  process.exitCode = 1
}
