import { expect, test } from 'vitest'
import { requestFields } from '../../src/connector/parts/request.ts'
import { writePart } from '../../src/connector/parts/write-fields.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { open, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const upsertPart = writePart(requestFields, '', () => ({})).fields.upsert.part!
const example = (above: number) =>
  upsertPart.fields
    .bulk!.part!.example!.replace('above: 2000', `above: ${above}`)
    .replace('size: 10000', 'size: 4')
    .replace('max_mb: 100', 'max_mb: 0.001')

/** A system that writes by single calls for lists and by jobs. */
function system(options: { refuses?: boolean } = {}) {
  const calls: string[] = []
  const uploads: string[][] = []
  const handler = ({ method, path, json, bytes }: Asked): Reply => {
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
