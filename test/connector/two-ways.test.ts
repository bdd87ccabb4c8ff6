import { expect, test } from 'vitest'
import { readJobPart } from '../../src/connector/parts/job-read.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { failureOf, load, open, readAll, restManifest } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

type Row = { id: number; updated_at: string; price: number | null; open: boolean; code: string }
const row = (id: number, updated_at = `2026-01-0${id}T00:00:00.000Z`): Row => ({
  id,
  updated_at,
  price: id % 2 ? id + 0.5 : null,
  open: id % 2 === 0,
  code: `00${id}`,
})

/** A system with pages, and jobs whose result is what was there when they began, in an order of its own. */
function system(rows: Row[], options: { onPage?: (locator: number) => void; forgotten?: boolean } = {}) {
  const jobs: { asked: number; rows: Row[] }[] = []
  const asked: string[] = []
  const handler = ({ method, path, query }: Asked): Reply => {
    asked.push(`${method} ${path}`)
    if (path === '/contacts/count') return { json: { count: rows.length } }
    if (path === '/contacts') {
      const from = Number(query.get('after') ?? 0)
      const found = rows
        .filter(({ updated_at }) => updated_at >= (query.get('changed_since') ?? ''))
        .sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1))
      const next = from + 2 < found.length ? { next: String(from + 2) } : {}
      return { json: { items: found.slice(from, from + 2), ...next } }
    }
    if (method === 'POST') {
      jobs.push({ asked: 0, rows: [...rows].reverse() })
      return { json: { id: jobs.length } }
    }
    const [, number, results] = /^\/exports\/(\d+)(\/results)?$/.exec(path)!
    const job = jobs[Number(number) - 1]!
    if (options.forgotten) return { status: 404 }
    if (!results) return { json: { state: ++job.asked < 2 ? 'running' : 'done' } }
    const from = Number(query.get('locator') ?? 0)
    options.onPage?.(from)
    const lines = job.rows.slice(from, from + 2).map((one) => `${Object.values(one).join(',')}\n`)
    const text = `id,updated_at,price,open,code\n${lines.join('')}`
    return { text, headers: { 'X-Locator': from + 2 < job.rows.length ? String(from + 2) : 'null' } }
  }
  return { jobs, asked, handler }
}

const SCHEMA = `
schema:
  type: object
  properties:
    id: { type: integer }
    price: { type: [number, "null"] }
    open: { type: boolean }
    code: { type: string }
version: { value: record.updated_at }
`
const example = readJobPart(requestFields, [], undefined, {}).fields.result.part!.example!
const manifest = (above: number, change = (text: string): string => text) =>
  restManifest(
    SCHEMA +
      change(example.replace('above: 5000', `above: ${above}`).replace('done:', 'every_seconds: 0.01\n    done:')),
  )
const rows = () => [1, 2, 3, 4, 5].map((id) => row(id))

test('everything is read by a job and changes by pages, and a record is the same on both ways', async () => {
  const { handler, jobs, asked } = system(rows())
  await using server = await serve(handler)
  const session = await open(manifest(4), server)
  const whole = await readAll(session)
  expect(whole.ids.sort()).toEqual(['1', '2', '3', '4', '5'])
  expect(jobs).toHaveLength(1)
  expect(asked).not.toContain('GET /contacts')
  const next = await readAll(session, { cursor: whole.cursor })
  expect(next.ids).toEqual(['5'])
  const byJob = whole.pages.flatMap(({ records }) => records)
  const byPages = (await readAll(await open(manifest(5), server))).pages.flatMap(({ records }) => records)
  expect(jobs).toHaveLength(1)
  const sorted = (records: typeof byJob) =>
    JSON.stringify([...records].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ body, version }) => [body, version]))
  expect(sorted(byJob)).toBe(sorted(byPages))
})

test('wherever a pull breaks, it goes on on its way, whatever the count says by then', async () => {
  for (let limit = 1; ; limit++) {
    const records = rows()
    const { handler, jobs, asked } = system(records)
    await using server = await serve(handler)
    const broken = await readAll(await open(manifest(4), server), { limit })
    records.pop()
    asked.length = 0
    if (broken.pages.at(-1)!.last) break
    const rest = await readAll(await open(manifest(4), server), { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
    expect([...broken.ids, ...rest.ids].sort()).toEqual(['1', '2', '3', '4', '5'])
    expect(jobs).toHaveLength(1)
    expect(asked.filter((one) => one.includes('/contacts'))).toEqual([])
  }
})

test('what changes while a job runs is read by the next pull', async () => {
  const records = rows()
  let changed = ''
  const { handler, jobs } = system(records, {
    onPage: (locator) => {
      if (locator !== 2 || changed) return
      changed = new Date(Date.now() + 1000).toISOString()
      // Shown on a later page of the result with a newer value than the one that has changed before it.
      records[4] = row(5, new Date(Date.now() + 500).toISOString())
      jobs[0]!.rows[4] = row(1, changed)
    },
  })
  await using server = await serve(handler)
  const session = await open(manifest(4), server)
  const whole = await readAll(session)
  expect(whole.pages.at(-1)!.records.map(({ version }) => version)).toEqual([changed.replace('Z', '000000Z')])
  expect((await readAll(session, { cursor: whole.cursor })).ids).toContain('5')
})

test('a full read begins a job of its own, and a job that is forgotten is started anew', async () => {
  const options = { forgotten: false }
  const { handler, jobs } = system(rows(), options)
  await using server = await serve(handler)
  const session = await open(manifest(4), server)
  const { cursor } = await readAll(session)
  expect((await readAll(session, { mode: 'full', cursor })).ids).toHaveLength(5)
  expect(jobs).toHaveLength(2)
  const broken = await readAll(session, { mode: 'full', cursor, limit: 2 })
  options.forgotten = true
  expect(await failureOf(readAll(session, { mode: 'full', cursor: broken.cursor }))).toMatchObject({ code: 'CSW-3009' })
  expect(jobs).toHaveLength(4)
})

test('no job is started to see whether a connection works', async () => {
  const { handler, jobs } = system(rows())
  await using server = await serve(handler)
  const session = await open(manifest(0), server)
  const steps = await session.probe(new AbortController().signal)
  expect(steps.every(({ ok }) => ok)).toBe(true)
  expect(jobs).toHaveLength(0)
})

test.each([
  ['    above: 5000\n', '', 'one is of no use without the other'],
  ['    for: whole\n', '', 'every read is a job, so there is no other way'],
])('a manifest that leaves the choice open is refused (%s)', (from, to, message) => {
  const { findings } = load(restManifest(SCHEMA + example.replace(from, to)))
  expect(findings.map((one) => one.message)).toContainEqual(expect.stringContaining(message))
})

test('cells that are not what the schema says stay as they are', async () => {
  const odd = { ...row(1), price: 'a lot', open: 'perhaps' } as unknown as Row
  const { handler } = system([odd])
  await using server = await serve(handler)
  const { pages } = await readAll(await open(manifest(0), server))
  expect(pages.flatMap(({ records }) => records)[0]!.body satisfies JsonObject).toMatchObject({
    price: 'a lot',
    open: 'perhaps',
    code: '001',
  })
})
