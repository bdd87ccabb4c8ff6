import { expect, test } from 'vitest'
import type { JobNote } from '../../src/connector/index.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import { writePart } from '../../src/connector/parts/write-fields.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { failureOf, open, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const upsertPart = writePart(requestFields, '', () => ({})).fields.upsert.part!
const example = (above: number) =>
  upsertPart.fields
    .bulk!.part!.example!.replace('above: 2000', `above: ${above}`)
    .replace('size: 10000', 'size: 4')
    .replace(/max_mb: \d+/, 'max_mb: 0.001')

/** A system that writes by single calls for lists and by jobs. */
type Trouble = {
  refuses?: boolean
  /** What is answered instead, to a request that was heard all the same. */
  instead?: (asked: Asked) => Reply | undefined
}
function system(options: Trouble = {}) {
  const calls: string[] = []
  const uploads: string[][] = []
  const handler = (asked: Asked): Reply => {
    const { method, path, json, bytes } = asked
    const other = options.instead?.(asked)
    if (other) return other
    if (path === '/contacts/batch') {
      calls.push(`batch ${json.inputs.length}`)
      return { json: { results: json.inputs.map((one: JsonObject) => ({ id: `b-${one.external_id}` })) } }
    }
    if (path === '/jobs') {
      calls.push('job')
      return options.refuses ? { status: 400, json: { error: 'no such object' } } : { json: { id: uploads.length } }
    }
    const [, , number, what] = path.split('/')
    if (method === 'PUT') {
      uploads.push(bytes.toString().trim().split('\n'))
      return { status: 201 }
    }
    if (method === 'PATCH') return { status: 204 }
    const [header, ...lines] = uploads[Number(number)] ?? []
    const place = header?.split(',').indexOf('external_id') ?? 0
    const ids = lines.map((line) => line.split(',')[place])
    if (what === 'successful') return { text: `id,external_id\n${ids.map((id) => `j-${id},${id}\n`).join('')}` }
    if (what === 'failed') return { text: 'error,external_id\n' }
    return { json: { state: 'JobComplete' } }
  }
  return { calls, uploads, handler }
}

const items = (count: number, values: (id: string) => JsonObject = () => ({})) =>
  Array.from({ length: count }, (_, i) => {
    const id = `x${i}`
    return {
      ref: id,
      key: { field: 'external_id', value: id },
      values: { external_id: id, ...values(id) },
      idempotencyKey: id,
    }
  })
const upsert = (given: ReturnType<typeof items>) => ({
  stream: 'things',
  operation: 'upsert' as const,
  items: given,
  signal,
})

function keeper() {
  const notes = new Map<string, JobNote>()
  const onJob = async (kept: ReadonlyMap<string, JobNote>) => {
    for (const [ref, note] of kept) notes.set(ref, note)
  }
  return { notes, onJob }
}

const doubts = Array(4).fill({ status: 'unknown', error: { code: 'CSW-3012' } })
const finish = (notes: ReadonlyMap<string, JobNote>) => ({
  stream: 'things',
  operation: 'upsert' as const,
  items: [...notes].map(([ref, job]) => ({ ref, job })),
  signal,
})

test('many records go by jobs, what is left of them and fewer go by the other call', async () => {
  const { calls, uploads, handler } = system()
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const outcomes = await session.write(upsert(items(6)))
  expect(outcomes.map((one) => one.status === 'written' && one.id)).toEqual([
    'j-x0',
    'j-x1',
    'j-x2',
    'j-x3',
    'b-x4',
    'b-x5',
  ])
  expect(uploads).toHaveLength(1)
  calls.length = 0
  await session.write(upsert(items(2)))
  expect(calls).toEqual(['batch 2'])
})

test('an upload that would be too large is cut into several jobs', async () => {
  const { uploads, handler } = system()
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const outcomes = await session.write(upsert(items(4, () => ({ note: 'x'.repeat(400) }))))
  expect(outcomes.every(({ status }) => status === 'written')).toBe(true)
  expect(uploads.map((lines) => lines.length - 1)).toEqual([2, 2])
})

test('a cell tells a field that is cleared from one that is left alone', async () => {
  const { uploads, handler } = system()
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const values: Record<string, JsonObject> = { x0: { note: null }, x1: { note: '' }, x2: { note: 'a' }, x3: {} }
  await session.write(upsert(items(4, (id) => values[id]!)))
  expect(uploads[0]).toEqual(['external_id,note', 'x0,#N/A', 'x1,#N/A', 'x2,a', 'x3,'])
})

test('a text that would clear its field in an upload goes by the other call, or is refused without one', async () => {
  const texts: Record<string, JsonObject> = { x0: { note: '#N/A' }, x1: { note: ' #N/A ' }, x2: { note: '#N/A!' } }
  const { uploads, calls, handler } = system()
  await using server = await serve(handler)
  const given = upsert(items(4, (id) => texts[id] ?? {}))
  const outcomes = await (await open(restManifest(example(2)), server)).write(given)
  expect(outcomes.map((one) => one.status === 'written' && one.id)).toEqual(['b-x0', 'b-x1', 'j-x2', 'j-x3'])
  expect(uploads).toEqual([['external_id,note', 'x2,#N/A!', 'x3,']])
  calls.length = 0
  const refused = await (await open(restManifest(example(2).replace(/^ *batch: .*\n/m, '')), server)).write(given)
  expect(refused).toMatchObject([
    { status: 'refused', error: { code: 'CSW-2007' } },
    { status: 'refused' },
    { status: 'written' },
    { status: 'written' },
  ])
  expect(calls).toEqual(['job'])
})

test('a job is started once: a lost answer leaves its records in doubt, and it is waited for', async () => {
  let starts = 0
  const { calls, handler } = system({
    instead: ({ method }) => {
      if (method !== 'PATCH') return undefined
      starts++
      return starts === 1 ? { status: 502 } : { status: 400, json: { error: 'started before' } }
    },
  })
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const { notes, onJob } = keeper()
  const outcomes = await session.write({ ...upsert(items(4)), onJob })
  expect(outcomes).toMatchObject(doubts)
  expect(starts).toBe(1)
  expect(calls).toEqual(['job'])
  const finished = await session.finish!(finish(notes))
  expect(finished.map((one) => one.status === 'written' && one.id)).toEqual(['j-x0', 'j-x1', 'j-x2', 'j-x3'])
})

test('what hides the outcome of one job for good is no failure of the connection', async () => {
  let instead: Trouble['instead']
  const { handler } = system({ instead: (asked) => instead?.(asked) })
  await using server = await serve(handler)
  const manifest = restManifest(example(2), 'limits: { attempts: 1, max_answer_mb: 1 }')
  const session = await open(manifest, server)
  const { notes, onJob } = keeper()
  await session.write({ ...upsert(items(4)), onJob })
  const late = new Map([...notes].map(([ref, note]) => [ref, { ...note, at: 0 }]))

  instead = ({ path }) => (path.endsWith('/successful') ? { text: 'x'.repeat(1_100_000) } : undefined)
  expect(await session.finish!(finish(notes))).toMatchObject(doubts)
  instead = ({ path }) => (/^\/jobs\/\d+$/.test(path) ? { status: 500 } : undefined)
  expect((await failureOf(session.finish!(finish(notes)))).code).toBe('CSW-3006')
  expect(await session.finish!(finish(late))).toMatchObject(doubts)
  // That every call would fail alike says nothing of this job.
  instead = () => ({ status: 401 })
  expect((await failureOf(session.finish!(finish(late)))).code).toBe('CSW-3003')
})

test('a job that is refused is the business of no record', async () => {
  const { calls, handler } = system({ refuses: true })
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const outcomes = await session.write(upsert(items(4)))
  expect(outcomes.map(({ status }) => status)).toEqual(['written', 'written', 'written', 'written'])
  expect(calls).toEqual(['job', 'batch 4'])
})

test('a job is told before it is started, and not started when it cannot be kept', async () => {
  const { calls, handler } = system()
  await using server = await serve(handler)
  const session = await open(restManifest(example(2)), server)
  const kept: unknown[] = []
  const request = upsert(items(4))
  const started = () => server.asked.some(({ method }) => method === 'PATCH')
  await session.write({
    ...request,
    onJob: async (notes) => {
      expect(started()).toBe(false)
      kept.push(...notes.values())
    },
  })
  expect(kept).toMatchObject([{ id: 0, by: 'bulk', mark: 'x0', place: 0, of: 4 }, {}, {}, {}])
  server.asked.length = 0
  const outcomes = await session.write({ ...request, onJob: () => Promise.reject(new Error('no ledger')) })
  expect(started()).toBe(false)
  expect(outcomes.every(({ status }) => status === 'retry')).toBe(true)
  expect(calls).toEqual(['job', 'job'])
})
