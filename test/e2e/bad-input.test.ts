import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../postgres.ts'
import { causeway, connectionTo, HubProcess, hubFolder, TOKEN, until } from './hub-process.ts'
import { CONNECTOR, MAPPING, Peer } from './peer.ts'

/** One hub for all: a sync each, from a system of its own to itself. What goes wrong with one is no matter of the others. */
const SYNCS = ['answering', 'refusing', 'breaking', 'spelling', 'edited'] as const
type Sync = (typeof SYNCS)[number]
const SPELLED = MAPPING.replace(
  / {2}name: name\n.*\n/,
  '  big: big\n  price: price\n  huge: huge\n  nul: nul\n  half: half\n  none: none\n  one: one\n  absent: nosuch\n',
)
const mappingOf = (sync: Sync): string => (sync === 'spelling' ? SPELLED : MAPPING).replaceAll('peer:', `${sync}:`)

const closers: (() => Promise<void>)[] = []
const atEnd = (close: () => Promise<void>): void => void closers.unshift(close)
const peers = {} as Record<Sync, Peer>
let dir: string
let hub: HubProcess

beforeAll(async () => {
  for (const sync of SYNCS) peers[sync] = await Peer.start(atEnd)
  const connections = SYNCS.map((sync) => connectionTo(sync, peers[sync].url)).join('')
  const mappings = Object.fromEntries(SYNCS.map((sync) => [`${sync}.yaml`, mappingOf(sync)]))
  dir = await hubFolder('', { hub: `connections:\n${connections}`, mappings }, atEnd)
  // A database of the server of this run: making a server of its own takes a hub longer than all its work here.
  const { url } = await freshDatabase({ migrated: false })
  hub = await HubProcess.startUntil(atEnd, dir, { DATABASE_URL: url }, '--watch')
})
afterAll(async () => {
  for (const close of closers) await close()
})

const run = (sync: Sync) => hub.api<{ requestId: string }>('POST', `/syncs/${sync}/run`, { full: true })
const lettersOf = (sync: Sync) => hub.api<Letters>('GET', `/dead-letters?sync=${sync}`)

type Letters = { items: { id: number; code: string; recordId: string }[] }
type Connections = {
  items: {
    name: string
    state: string
    waitUntil: string | null
    waitReason: string | null
    breakerUntil: string | null
  }[]
}

test.each([
  ['wrong YAML', { mappings: { 'contacts.yaml': 'from: [peer\n' } }, 'CSW-1004', /contacts\.yaml:\d+:\d+/],
  [
    'unknown field',
    { mappings: { 'contacts.yaml': MAPPING.replace('match:', 'mach:') } },
    'CSW-1005',
    /contacts\.yaml:3:1[\s\S]*"match"/,
  ],
  [
    'unknown connector',
    { hub: 'connections:\n  peer:\n    connector: pear\n' },
    'CSW-2001',
    /causeway\.yaml:3[\s\S]*"peer"/,
  ],
  [
    'unknown stream',
    { mappings: { 'contacts.yaml': MAPPING.replace('peer:contacts', 'peer:contcts') } },
    'CSW-2002',
    /"contacts"/,
  ],
  [
    'broken expression',
    { mappings: { 'contacts.yaml': MAPPING.replace('$lowercase(email)', '$lowercase(email') } },
    'CSW-4001',
    /contacts\.yaml:7:\d+/,
  ],
  [
    'unknown key in a manifest',
    { connector: CONNECTOR.replace('page_size', 'pagesize') },
    'CSW-1005',
    /connector\.yaml:\d+:\d+[\s\S]*"page_size"/,
  ],
])('%s ends in a coded message that names place and fix', async (_, files, code, place) => {
  const folder = await hubFolder('http://127.0.0.1:9', files as never)
  const result = await causeway(folder, 'validate', '-o', 'human')
  expect(result.code, result.stdout + result.stderr).toBe(5)
  expect(result.stdout + result.stderr).toContain(code)
  expect(result.stdout + result.stderr).toMatch(place)
})

test('429, 500, HTML and 401: each named, the next run heals', {
  timeout: 400_000,
}, async () => {
  const peer = peers.answering
  peer.fill(30)
  let answer: { status: number; headers?: Record<string, string>; body?: string } | undefined
  peer.intercept = ({ path }) =>
    answer && path === '/contacts'
      ? { before: (response) => void response.writeHead(answer!.status, answer!.headers ?? {}).end(answer!.body ?? '') }
      : undefined
  const runOnce = async (): Promise<{ outcome: string; code: string | undefined }> => {
    const { requestId } = await run('answering')
    const done = await until(
      () =>
        hub.api<{ items: { requestId: string | null; outcome: string; error: { code: string } | null }[] }>(
          'GET',
          '/runs?limit=50',
        ),
      ({ items }) => items.some((one) => one.requestId === requestId && one.outcome !== 'running'),
    )
    const asked = done.items.find((found) => found.requestId === requestId)!
    return { outcome: asked.outcome, code: asked.error?.code }
  }
  const answering = async () =>
    (await hub.api<Connections>('GET', '/connections')).items.find(({ name }) => name === 'answering')!
  // After several failures in a row the breaker lets the system rest: what is asked meanwhile is refused by it, and asked again here.
  const askedAfterRest = () =>
    until(
      () => runOnce(),
      ({ code }) => code !== 'CSW-3022',
    )
  const cases = [
    [{ status: 429, headers: { 'retry-after': '1' } }, 'CSW-3005'],
    [{ status: 500 }, 'CSW-3006'],
    [{ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>login</html>' }, 'CSW-3007'],
    [{ status: 401 }, 'CSW-3003'],
  ] as const
  for (const [given, code] of cases) {
    answer = given
    const done = await askedAfterRest()
    if (given.status === 429) {
      // A wait that was asked for is a wait and no failure; the connection says why and until when.
      expect(done.outcome).toBe('waiting')
      expect((await answering()).waitReason).toContain('429')
      await sleep(1_200)
    } else expect(done, code).toEqual({ outcome: 'failed', code })
  }
  expect((await answering()).state).toBe('needs_authorisation')
  answer = undefined
  expect(await askedAfterRest()).toEqual({ outcome: 'success', code: undefined })
  await until(
    () => peer.customers.size,
    (size) => size === 30,
  )
  expect(hub.output).not.toContain(TOKEN)
})

test('a target that refuses 3 of 100: 97 go through, 3 become dead letters; corrected and requeued they go through too', {
  timeout: 400_000,
}, async () => {
  const peer = peers.refusing
  peer.fill(100)
  peer.refuse = ({ name }) =>
    ['Person 3', 'Person 50', 'Person 99'].includes(String(name)) ? 'name is not allowed' : undefined
  await run('refusing')
  const letters = await until(
    () => lettersOf('refusing'),
    ({ items }) => items.length === 3,
  )
  expect(letters.items.map(({ code }) => code)).toEqual(['CSW-3008', 'CSW-3008', 'CSW-3008'])
  expect(peer.customers.size).toBe(97)
  const listed = await causeway(dir, 'dlq', 'list', '-o', 'json')
  expect(listed.code).toBe(0)
  peer.refuse = () => undefined
  for (const { id } of letters.items) {
    const requeued = await causeway(dir, 'dlq', 'requeue', String(id), '--yes', '-o', 'json')
    expect(requeued.code, requeued.stderr).toBe(0)
  }
  await until(
    () => peer.customers.size,
    (size) => size === 100,
  )
  expect(peer.duplicates()).toEqual([])
})

test('a record that breaks the mapping is a dead letter that names the line; the others go through', {
  timeout: 400_000,
}, async () => {
  const peer = peers.breaking
  peer.fill(20)
  peer.put('bad', { name: 'Bad', email: { not: 'text' } })
  await run('breaking')
  const { items } = await until(
    () => lettersOf('breaking'),
    (letters) => letters.items.length === 1,
  )
  expect(items[0]).toMatchObject({ code: 'CSW-4002', recordId: 'bad' })
  const shown = await hub.api<{ error: { place: { file: string; line: number } } }>(
    'GET',
    `/dead-letters/${items[0]!.id}`,
  )
  expect(shown.error.place).toMatchObject({ line: 7 })
  await until(
    () => peer.customers.size,
    (size) => size === 20,
  )
})

test('values arrive as they were spelled, through log, mapping, target, API and CLI', {
  timeout: 400_000,
}, async () => {
  const peer = peers.spelling
  const fields =
    '"big":9223372036854775807,"price":0.10,"huge":1e400,"nul":"\\u0000","half":"\\ud800","none":null,"one":[1]'
  peer.put('x', {})
  peer.rawContacts.set('x', `{"id":"x","updated_at":"2026-02-01T00:00:00Z",${fields}}`)
  await run('spelling')
  await until(
    () => peer.journal.length,
    (count) => count === 1,
  )
  expect(peer.journal[0]!.raw).toBe(`{"external_id":"x",${fields}}`)
  const shown = await causeway(dir, 'records', 'show', 'x', '--stream', 'spelling:contacts', '-o', 'json')
  expect(shown.stdout, shown.stderr).toContain('9223372036854775807')
  for (const spelled of ['0.10', '1e400', '\\u0000', '\\ud800']) expect(shown.stdout).toContain(spelled)
})

test('a broken edit leaves the running version in force; a sound one takes effect without a restart', {
  timeout: 400_000,
}, async () => {
  const peer = peers.edited
  peer.fill(3)
  const file = join(dir, 'mappings/edited.yaml')
  await writeFile(file, 'from: [')
  await until(
    () => hub.output,
    (output) => output.includes('CSW-1004'),
  )
  await writeFile(file, mappingOf('edited').replace('name: name', 'name: $uppercase(name)'))
  await until(
    () => hub.output,
    (output) => output.includes('files read again'),
  )
  await run('edited')
  await until(
    () => peer.customers.size,
    (size) => size === 3,
  )
  expect([...peer.customers.values()].map(({ name }) => name)).toContain('PERSON 0')
})
