import { createDecipheriv } from 'node:crypto'
import { expect, test } from 'vitest'
import type { WriteOutcome } from '../../src/connector/index.ts'
import type { Exchange } from '../../src/outbound/index.ts'
import { load, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve, type TestServer } from './server.ts'

const MANIFEST = restManifest(
  `
write:
  create:
    batch:
      size: 10
      path: /sessions
      body: { key: "\${ secret.key }", iv: "\${ secret.iv }", terms: "\${ steps.terms.id }" }
      item: \${ $toBase64(values.name) }
      job:
        secrets: { key: 32, iv: 16 }
        steps: [{ name: terms, path: /terms }]
        id: response.id
        each: { path: "/sessions/\${ job.id }/things", body: { sealed: "\${ $aesCbc(item, secret.key, secret.iv) }", digest: "\${ $sha256Base64(item) }" } }
        close: { method: POST, path: "/sessions/\${ job.id }/close" }
        status: { path: "/sessions/\${ job.id }" }
        done: response.state = "done"
        every_seconds: 0.01
        outcomes: { things: { path: "/sessions/\${ job.id }/things" } }
      results: response.things
      correlate: { result: "[result.number, result.digest]", item: "$exists(sent) ? sent.number : $sha256Base64($toBase64(values.name))" }
      failed: $exists(result.error)
      again: result.error = "later"
      id: result.id
      message: result.error
`,
  'limits: { attempts: 1, concurrent: 1 }',
)

type Trouble = (name: string, asked: Asked) => Reply | 'lose' | 'drop' | undefined
type State = {
  sessions: { key: string; iv: string; closed: boolean; things: Record<string, unknown>[]; asked: number }[]
}

/** A system that takes encrypted things within sessions; `trouble` says what happens to some of them. */
async function system(
  trouble: Trouble = () => undefined,
  other: (asked: Asked) => Reply | undefined = () => undefined,
) {
  const state: State = { sessions: [] }
  const server = await serve((asked, response) => {
    const { method, path, json } = asked
    const own = other(asked)
    if (own) return own
    if (path === '/terms') return { json: { id: 't7' } }
    if (path === '/sessions') {
      if (json.terms !== 't7') return { status: 400 }
      state.sessions.push({ key: json.key, iv: json.iv, closed: false, things: [], asked: 0 })
      return { status: 201, json: { id: state.sessions.length } }
    }
    const [, number, last] = /^\/sessions\/(\d+)(?:\/(\w+))?$/.exec(path)!
    const session = state.sessions[Number(number) - 1]!
    if (last === 'close') {
      session.closed = true
      return { status: 204 }
    }
    if (last === 'things' && method === 'POST') {
      const decipher = createDecipheriv(
        'aes-256-cbc',
        Buffer.from(session.key, 'base64'),
        Buffer.from(session.iv, 'base64'),
      )
      const name = Buffer.concat([decipher.update(Buffer.from(json.sealed, 'base64')), decipher.final()]).toString()
      const what = trouble(name, asked)
      if (what === 'drop') return void response.destroy()
      if (typeof what === 'object') return what
      const thing = { number: `n${session.things.length}`, digest: json.digest, ...outcomeOf(name) }
      session.things.push(thing)
      return what === 'lose' ? void response.destroy() : { status: 202, json: { number: thing.number } }
    }
    if (last === 'things') return { json: session.things.toReversed() }
    return { json: { state: session.closed && ++session.asked > 1 ? 'done' : 'working' } }
  })
  return { state, server }
}
const outcomeOf = (name: string) =>
  name.startsWith('bad') ? { error: 'no' } : name.startsWith('late') ? { error: 'later' } : { id: `id-${name}` }

async function write(server: TestServer, names: string[], seen: Exchange[] = []): Promise<WriteOutcome[]> {
  const catalogue = load(MANIFEST)
  expect(catalogue.findings).toEqual([])
  const session = await catalogue.get('test').open({
    name: 'conn',
    settings: { url: server.url },
    allow: [server.host],
    onExchange: (exchange) => seen.push(exchange),
  })
  const items = names.map((name) => ({ ref: name, idempotencyKey: name, values: { name } }))
  return session.write({ stream: 'things', operation: 'create', items, signal })
}
const told = (outcomes: WriteOutcome[]) =>
  outcomes.map((outcome) => `${outcome.ref} ${outcome.status === 'written' ? outcome.id : outcome.status}`)

test('a batch is one session: opened once, each record in it, closed, and told record by record', async () => {
  const { state, server } = await system()
  await using _ = server
  const seen: Exchange[] = []
  const outcomes = await write(server, ['a', 'bad', 'late', 'b'], seen)
  expect(told(outcomes)).toEqual(['a id-a', 'bad refused', 'late retry', 'b id-b'])
  expect(state.sessions).toHaveLength(1)
  expect(state.sessions[0]).toMatchObject({ closed: true })
  expect(JSON.stringify(seen)).not.toContain(state.sessions[0]!.key)
})

test('a lone record has a session too, and no two sessions share a key', async () => {
  const { state, server } = await system()
  await using _ = server
  expect(told(await write(server, ['a']))).toEqual(['a id-a'])
  expect(
    told(
      await write(
        server,
        Array.from({ length: 11 }, (_one, i) => `r${i}`),
      ),
    ),
  ).toHaveLength(11)
  expect(new Set(state.sessions.map(({ key }) => key)).size).toBe(3)
})

test('a lost answer: what the session took in is written, what never arrived is sent again', async () => {
  const { server } = await system((name) => (name === 'taken' ? 'lose' : name === 'gone' ? 'drop' : undefined))
  await using _ = server
  expect(told(await write(server, ['a', 'taken', 'gone', 'b']))).toEqual([
    'a id-a',
    'taken id-taken',
    'gone retry',
    'b id-b',
  ])
})

test('a record that is refused on its way holds nobody up; rights that are missing end the sending, not what was sent', async () => {
  const refusing = await system((name) => (name === 'x' ? { status: 400, json: { message: 'too large' } } : undefined))
  await using _refusing = refusing.server
  expect(told(await write(refusing.server, ['a', 'x', 'b']))).toEqual(['a id-a', 'x refused', 'b id-b'])

  const failing = await system((name) => (name === 'x' ? { status: 403 } : undefined))
  await using _failing = failing.server
  const outcomes = await write(failing.server, ['a', 'x', 'b'])
  expect(told(outcomes)).toEqual(['a id-a', 'x retry', 'b retry'])
  expect(outcomes.slice(1)).toMatchObject([{ error: { code: 'CSW-3004' } }, { error: { code: 'CSW-3004' } }])
  expect(failing.state.sessions).toMatchObject([{ closed: true, things: [{ id: 'id-a' }] }])
})

test('where the system asks to wait for long, nobody can ask what became of what was sent', async () => {
  const headers = { 'Retry-After': '600' }
  const { server } = await system((name) => (name === 'x' ? { status: 429, headers } : undefined))
  await using _ = server
  expect(told(await write(server, ['a', 'x', 'b']))).toEqual(['a unknown', 'x retry', 'b retry'])
})

test('what became of a session that cannot be asked about is unknown, but not for records that never went out', async () => {
  const { server } = await system(
    (name) => (name === 'x' ? { status: 400 } : undefined),
    ({ method, path }) => (method === 'GET' && path === '/sessions/1' ? { status: 500 } : undefined),
  )
  await using _ = server
  expect(told(await write(server, ['a', 'x', 'b']))).toEqual(['a unknown', 'x refused', 'b unknown'])
})

test('a close that fails does not matter where the session ends by itself', async () => {
  const { state, server } = await system(undefined, ({ path }) => {
    if (!path.endsWith('/close')) return undefined
    state.sessions[0]!.closed = true
    return { status: 500 }
  })
  await using _ = server
  expect(told(await write(server, ['a', 'b']))).toEqual(['a id-a', 'b id-b'])
})

test('a session that is refused is asked for once, not once for each record', async () => {
  let opened = 0
  const { server } = await system(undefined, ({ path }) => {
    if (path !== '/sessions') return undefined
    opened++
    return { status: 400, json: { message: 'no rights' } }
  })
  await using _ = server
  expect(told(await write(server, ['a', 'b', 'c', 'd']))).toEqual(['a refused', 'b refused', 'c refused', 'd refused'])
  expect(opened).toBe(1)
})

test('a session whose records cannot be told apart, or are sent in two ways, is not taken', () => {
  const blind = MANIFEST.replace(/correlate: \{ result: "[^"]+", /, 'correlate: { ')
  expect(load(blind).findings.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('nothing says which outcome belongs to which record of the session'),
  )
  const both = MANIFEST.replace('close: {', 'upload: { path: /upload }\n            close: {')
  expect(load(both).findings.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('records go one by one'),
  )
})
