/** `npm run check:advisories`, against a registry of this test that answers as npm's clients expect it. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { nameOf, readLock, shippedPackages } from '../../scripts/shipped-packages.ts'
import { ENVIRONMENT } from './installation.ts'

const SCRIPT = join(import.meta.dirname, '../../scripts/check-advisories.ts')
const lock = readLock()
const versionOf = (name: string): string => lock.packages[`node_modules/${name}`]!.version

type Advisory = { id: number; url: string; title: string; severity: string; vulnerable_versions: string }
/** What the registry knows; or with what it answers instead. */
let known: Record<string, Advisory[]> | { status: number; body: string }
/** What it was asked: names with versions. */
let asked: Record<string, string[]>
let home: string
let registry: string

const server = createServer(async (request, response) => {
  const body = await bodyOf(request)
  if (request.method === 'POST' && request.url === '/-/npm/v1/security/advisories/bulk') {
    if ('status' in known) return response.writeHead(known.status as number).end(known.body as string)
    asked = JSON.parse(body) as typeof asked
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(known))
  }
  // Who has a weakness is looked up, to see which of its versions have it.
  const name = decodeURIComponent(request.url!.slice(1))
  if (request.method !== 'GET' || !lock.packages[`node_modules/${name}`]) return response.writeHead(404).end('{}')
  const version = versionOf(name)
  const packument = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version } } }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument))
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  const bytes = await buffer(request)
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  registry = `http://127.0.0.1:${(server.address() as { port: number }).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})
beforeEach(async () => {
  // Of its own: npm remembers advisories there.
  home = await mkdtemp(join(tmpdir(), 'causeway-advisories-'))
  asked = {}
  return () => rm(home, { recursive: true, force: true })
})

/** npm remembers what it made of an advisory by its number. */
let advisories = 0
const weakness = (severity: string, vulnerable_versions = '*'): Advisory => ({
  id: ++advisories,
  url: 'https://advisories.example/1',
  title: 'Reads too far',
  severity,
  vulnerable_versions,
})

function check(...args: string[]): Promise<{ code: number; said: string }> {
  const env = {
    ...ENVIRONMENT,
    npm_config_registry: registry,
    npm_config_cache: home,
    npm_config_userconfig: join(home, 'none'),
    npm_config_fetch_retries: '0',
  }
  return new Promise((done) =>
    execFile(process.execPath, [SCRIPT, ...args], { env }, (error, stdout) =>
      done({ code: error ? Number(error.code) : 0, said: stdout }),
    ),
  )
}

test('the registry is asked about every package that is shipped, in the version that is', {
  timeout: 120_000,
}, async () => {
  known = {}
  expect(await check('--release')).toMatchObject({ code: 0, said: expect.stringMatching(/^0 of \d+ shipped packages/) })
  const shipped = shippedPackages(lock).map((path) => [nameOf(path), lock.packages[path]!.version] as const)
  expect(shipped.length).toBeGreaterThan(100)
  expect(shipped.filter(([name, version]) => !asked[name]?.includes(version))).toEqual([])
})

test('a high weakness of what is shipped fails; a low one, one of a tool, and one of other versions do not', {
  timeout: 240_000,
}, async () => {
  known = { axios: [weakness('high')] }
  expect(await check()).toEqual({
    code: 1,
    said: expect.stringMatching(/^axios: high, Reads too far https:\/\/advisories\.example\/1\n1 of \d+ shipped/),
  })
  known = { react: [weakness('critical')] }
  expect(await check()).toMatchObject({ code: 1, said: expect.stringMatching(/^react: critical, /) })
  known = {
    axios: [weakness('low')],
    fastify: [weakness('moderate')],
    vitest: [weakness('critical')],
    yaml: [weakness('high', `<${versionOf('yaml')}`)],
  }
  expect(await check('--release')).toMatchObject({ code: 0, said: expect.stringMatching(/^0 of \d+ shipped/) })
})

test.each([
  ['no such address', { status: 404, body: '{"error":"not found"}' }],
  ['refused', { status: 405, body: 'Method Not Allowed' }],
  ['broken', { status: 500, body: '' }],
  ['no JSON', { status: 200, body: '<html>' }],
])(
  'where the registry does not answer (%s) nothing is known: a release fails, and otherwise it is said',
  { timeout: 240_000 },
  async (_, answer) => {
    known = answer
    expect(await check()).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^SKIPPED: known weaknesses could not be asked for \(.+\)\.\n$/),
    })
    expect(await check('--release')).toMatchObject({ code: 1, said: expect.stringMatching(/^FAILED: /) })
  },
)
