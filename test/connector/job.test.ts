import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readJobPart } from '../../src/connector/parts/job-read.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import { writeJobPart } from '../../src/connector/parts/write-job-fields.ts'
import * as examples from '../../src/connector/protocols/rest/examples.ts'
import { failureOf, load, open, readAll, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const quick = (example: string): string => example.replace('done:', 'every_seconds: 0.01\n    done:')
const version = 'version: { value: record.updated_at }\n'

/** A system with export jobs: each is done at the third question. */
function exporting(rows: { id: number; updated_at: string }[], options: { fail?: number; gone?: boolean } = {}) {
  const jobs: { since: string | null; asked: number }[] = []
  const handler = ({ method, path, json, query }: Asked): Reply => {
    if (method === 'POST') {
      jobs.push({ since: json.changed_since ?? null, asked: 0 })
      return { status: 201, json: { id: `j${jobs.length}` } }
    }
    const [, number, results] = /^\/exports\/j(\d+)(\/results)?$/.exec(path)!
    const job = jobs[Number(number) - 1]!
    if (options.gone && Number(number) === 1) return { status: 404 }
    if (!results) {
      const state = ++job.asked < 3 ? 'running' : (options.fail ?? 0) >= Number(number) ? 'failed' : 'done'
      return { json: { state, reason: 'the disk is full' } }
    }
    const found = rows.filter(({ updated_at }) => updated_at >= (job.since ?? ''))
    const from = Number(query.get('locator') ?? 0)
    const page = found.slice(from, from + 2)
    const text = `id,updated_at\n${page.map(({ id, updated_at }) => `${id},${updated_at}\n`).join('')}`
    return { text, headers: { 'X-Locator': from + 2 < found.length ? String(from + 2) : 'null' } }
  }
  return { jobs, handler }
}

const rows = [1, 2, 3, 4, 5].map((id) => ({ id, updated_at: `2026-01-0${id}T00:00:00.000Z` }))
const exportManifest = restManifest(version + quick(examples.job))

test('the example of the reference starts a job, waits for it and reads its pages of CSV', async () => {
  const { jobs, handler } = exporting(rows)
  await using server = await serve(handler)
  const session = await open(exportManifest, server)
  const first = await readAll(session)
  expect(first.ids).toEqual(['1', '2', '3', '4', '5'])
  expect(first.pages.flatMap(({ records }) => records)[4]).toMatchObject({
    version: '2026-01-05T00:00:00.000000000Z',
    body: { id: '5' },
  })
  const next = await readAll(session, { cursor: first.cursor })
  expect(next.ids).toEqual(['5'])
  expect(jobs.map(({ since }) => since)).toEqual([null, '2026-01-05T00:00:00.000Z'])
})

test('wherever a pull breaks, the next one goes on with the same job', async () => {
  for (let limit = 1; ; limit++) {
    const { jobs, handler } = exporting(rows)
    await using server = await serve(handler)
    const broken = await readAll(await open(exportManifest, server), { limit })
    const rest = await readAll(await open(exportManifest, server), {
      cursor: JSON.parse(JSON.stringify(broken.cursor)),
    })
    expect([...broken.ids, ...(broken.pages.at(-1)!.last ? [] : rest.ids)]).toEqual(['1', '2', '3', '4', '5'])
    if (broken.pages.at(-1)!.last) break
    expect(jobs).toHaveLength(1)
  }
})

test('a job that failed says why, and the next pull starts another', async () => {
  const { jobs, handler } = exporting(rows, { fail: 1 })
  await using server = await serve(handler)
  const session = await open(exportManifest, server)
  let cursor = null
  const failed = await failureOf(
    (async () => {
      for await (const page of session.read({ stream: 'things', mode: 'full', cursor: null, signal }))
        cursor = page.cursor
    })(),
  )
  expect(failed).toMatchObject({ code: 'CSW-3016', message: expect.stringContaining('the disk is full') })
  expect((await readAll(session, { cursor })).ids).toEqual(['1', '2', '3', '4', '5'])
  expect(jobs).toHaveLength(2)
})

test('a job that the system has forgotten since the break is started anew', async () => {
  const options = { gone: false }
  const { jobs, handler } = exporting(rows, options)
  await using server = await serve(handler)
  const session = await open(exportManifest, server)
  const { cursor } = await readAll(session, { limit: 1 })
  options.gone = true
  expect((await readAll(session, { cursor })).ids).toEqual(['1', '2', '3', '4', '5'])
  expect(jobs).toHaveLength(2)
})

test('a job that takes longer than it may is given up', async () => {
  await using server = await serve(({ method }) => ({ json: method === 'POST' ? { id: 1 } : { state: 'running' } }))
  const manifest = restManifest(
    version + quick(examples.job).replace('every_seconds: 0.01', 'every_seconds: 2\n    deadline_seconds: 1'),
  )
  expect(await failureOf(readAll(await open(manifest, server)))).toMatchObject({ code: 'CSW-3002' })
})

const files = readJobPart(requestFields, ['since'], undefined, {}).fields.files.part!.example!

test('result files on other hosts are streamed without credentials, zipped or not, and taken up in the middle', async () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${JSON.stringify({ id: from + index, big: 1 })}\n`).join('')
  await using storage = await serve(({ path, query }) => {
    if (query.get('signature') !== 'x') return { status: 403 }
    return path === '/a'
      ? { bytes: gzipSync(lines(1, 3)) }
      : { text: lines(4, 7).replace('"big":1', '"big":12345678901234567890') }
  })
  await using server = await serve(({ method }) => {
    if (method === 'POST') return { json: { id: 1 } }
    return { json: { state: 'done', files: [`${storage.url}/a?signature=x`, `${storage.url}/b?signature=x`] } }
  })
  const manifest = restManifest(
    `${quick(files).trimEnd()}\n  page_size: 2`,
    'auth: { kind: bearer, token: "${ settings.token }" }',
  )
  const connect = () =>
    load(manifest)
      .get('test')
      .open({
        name: 'conn',
        settings: { url: server.url, token: 'our-secret-token' },
        allow: [server.host, storage.host],
      })
  const whole = await readAll(await connect(), { mode: 'full' })
  expect(whole.ids).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  expect(JSON.stringify(whole.pages.flatMap(({ records }) => records)[3]!.body)).toContain('12345678901234567890')
  expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  expect(server.asked[0]!.headers.authorization).toBe('Bearer our-secret-token')
  for (let limit = 2; limit <= 5; limit++) {
    const broken = await readAll(await connect(), { mode: 'full', limit })
    const rest = await readAll(await connect(), { mode: 'full', cursor: broken.cursor })
    expect([...broken.ids, ...rest.ids]).toEqual(whole.ids)
  }
})

const bulk = writeJobPart(requestFields).example!

/** A bulk interface: what is uploaded is worked off when the job is closed. */
function bulkSystem(options: { breakAt?: string } = {}) {
  const uploads: string[] = []
  const handler = ({ method, path, bytes }: Asked): Reply => {
    const step =
      path === '/jobs'
        ? 'create'
        : method === 'PUT'
          ? 'upload'
          : method === 'PATCH'
            ? 'close'
            : (path.split('/')[3] ?? 'status')
    if (options.breakAt === step) return { status: 500 }
    if (step === 'create') return { json: { id: 'job-1' } }
    if (step === 'upload') uploads.push(bytes.toString())
    if (step === 'status') return { json: { state: 'JobComplete' } }
    if (step === 'successful') return { text: 'id,external_id\nn1,a\n' }
    if (step === 'failed') return { text: 'error,external_id\nname is too long,b\n' }
    if (step === 'unprocessed') return { text: 'external_id\nc\n' }
    return { status: 204 }
  }
  return { uploads, handler }
}

const upsert = (ids: string[]) => ({
  stream: 'things',
  operation: 'upsert' as const,
  items: ids.map((id) => ({
    ref: id,
    key: { field: 'external_id', value: id },
    values: { external_id: id, note: id === 'b' ? 'says "hi", and\nmore' : null },
    idempotencyKey: id,
  })),
  signal,
})

test('a write job is filled, closed and waited for, and each record learns its own outcome', async () => {
  const { uploads, handler } = bulkSystem()
  await using server = await serve(handler)
  const session = await open(restManifest(bulk), server)
  expect(await session.write(upsert(['a', 'b', 'c', 'd']))).toMatchObject([
    { ref: 'a', status: 'written', id: 'n1' },
    { ref: 'b', status: 'refused', error: { message: expect.stringContaining('name is too long') } },
    { ref: 'c', status: 'retry' },
    { ref: 'd', status: 'unknown' },
  ])
  expect(uploads).toEqual(['external_id,note\na,\nb,"says ""hi"", and\nmore"\nc,\nd,\n'])
  const upload = server.asked.find(({ method }) => method === 'PUT')!
  expect(upload.headers['content-type']).toBe('text/csv; charset=utf-8')
})

test.each([
  ['create', 'retry'],
  ['upload', 'retry'],
  // Perhaps it was started: the job itself tells.
  ['close', 'unknown'],
  ['status', 'unknown'],
  ['successful', 'unknown'],
])('what breaks at %s leaves the records %s', async (breakAt, status) => {
  const { handler } = bulkSystem({ breakAt })
  await using server = await serve(handler)
  const session = await open(restManifest(bulk, 'limits: { attempts: 1 }'), server)
  const outcomes = await session.write(upsert(['a', 'b']))
  expect(outcomes.map((outcome) => outcome.status)).toEqual([status, status])
})
