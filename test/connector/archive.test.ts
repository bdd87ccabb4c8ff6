import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ConnectorSession, JobNote, WriteOutcome } from '../../src/connector/index.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import { writePart } from '../../src/connector/parts/write-fields.ts'
import { type JsonObject, parseExact } from '../../src/core/index.ts'
import { failureOf, load, open, restManifest, signal } from './open.ts'
import { type Reply, serve, type TestServer } from './server.ts'

const upsertPart = writePart(requestFields, '', () => ({})).fields.upsert.part!
const EXAMPLE = upsertPart.fields.batch!.part!.fields.job!.part!.fields.outcomes!.item!.part!.example!

type Operation = { method: string; path: string; operation_id: string; body: string }

/** The system, and the store that hands out its results: another host. */
let system: TestServer
let store: TestServer
let operations: Operation[]
let result: () => Reply | Promise<Reply>

beforeAll(async () => {
  store = await serve(() => result())
  system = await serve(({ method, json }) => {
    if (method === 'POST') operations = json.operations
    const results_url = `${store.url}/b1-response.tar.gz?X-Signature=s3cr3t-of-the-store`
    return method === 'POST' ? { json: { id: 'b1' } } : { json: { status: 'finished', results_url } }
  })
})
afterAll(() => Promise.all([store.close(), system.close()]))
beforeEach(() => {
  store.asked.length = 0
  system.asked.length = 0
})

/** An archive of files, as the store gives it. */
const packed = async (...files: unknown[]): Promise<Buffer> => {
  const entries = files.map((content, index) => {
    const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    return { header: { name: `b1/${index}.json`, type: 'file' as const, size: body.length }, body }
  })
  return gzipSync(await packTar([{ header: { name: 'b1/', type: 'directory', size: 0 } }, ...entries]))
}
const answer = (operation_id: string, status_code: number, response: unknown) => ({
  status_code,
  operation_id,
  response: typeof response === 'string' ? response : JSON.stringify(response),
})
const allDone = () => packed(operations.map(({ operation_id: id }) => answer(id, 200, { id: `made-${id}` })))

const opened = (top = '', example = EXAMPLE): Promise<ConnectorSession> =>
  open(restManifest(example, `limits: { attempts: 2, max_answer_mb: 1 }\n${top}`), { ...system, also: store.host })

const items = (count: number, values: JsonObject = {}) =>
  Array.from({ length: count }, (_, i) => ({
    ref: `r${i}`,
    key: { field: 'external_id', value: `x${i}` },
    values: { external_id: `x${i}`, ...values },
    idempotencyKey: `k${i}`,
  }))

async function written(session: ConnectorSession, given = items(3)) {
  const notes = new Map<string, JobNote>()
  const onJob = async (kept: ReadonlyMap<string, JobNote>) => {
    for (const [ref, note] of kept) notes.set(ref, JSON.parse(JSON.stringify(note)))
  }
  const outcomes = await session.write({ stream: 'things', operation: 'upsert', items: given, signal, onJob })
  const finish = () =>
    session.finish!({
      stream: 'things',
      operation: 'upsert',
      items: [...notes].map(([ref, job]) => ({ ref, job })),
      signal,
    })
  return { outcomes, finish }
}
const ids = (outcomes: WriteOutcome[]) => outcomes.map((one) => (one.status === 'written' ? one.id : one.status))

test('each record has its own answer, from whichever file of the archive, and one without is looked for', async () => {
  result = async () => ({
    bytes: await packed(
      [answer('2', 200, { id: 'made-2' }), answer('1', 400, { title: 'Invalid Resource', detail: 'x1 looks fake.' })],
      [answer('0', 200, '{"id":12345678901234567890}'), answer('3', 502, '<html>Bad gateway')],
    ),
  })
  const { outcomes, finish } = await written(await opened(), items(5))
  expect(ids(outcomes)).toEqual(['12345678901234567890', 'refused', 'made-2', 'refused', 'unknown'])
  expect(outcomes).toMatchObject([
    {},
    { error: { code: 'CSW-3008', message: expect.stringContaining('x1 looks fake.') } },
    {},
    {},
    { error: { code: 'CSW-3012' } },
  ])
  // Asking once more tells nothing of the last one, so the job leaves it to be looked up.
  expect((await finish()).map(({ ref }) => ref)).toEqual(['r0', 'r1', 'r2', 'r3'])
})

test('what is sent is JSON as a text, exact to the digit', async () => {
  result = async () => ({ bytes: await allDone() })
  const { outcomes } = await written(await opened(), items(1, { n: parseExact('12345678901234567890') as never }))
  expect(ids(outcomes)).toEqual(['made-0'])
  expect(operations).toEqual([
    { method: 'PUT', path: '/contacts/x0', operation_id: '0', body: '{"external_id":"x0","n":12345678901234567890}' },
  ])
})

test('an archive that another program packed is read as well', async () => {
  // tar czf of GNU tar: a folder and one file with the answer of operation 0, id x0.
  const bytes =
    'H4sIAAAAAAAAA+3RzQqCQBSGYdddhZx11BnTBryVDIk0sIUTjkIQ3XuTixZBtZKI3mdzBuaD+fnsYRlNTQObZeMMnue4NtlKE2NNmoScCXmN4mzymwWD73ddHEedc/273Kf9H2UPS10cvWsnPONe8DpNX/ZvdP3Uf2CjWCe808Of97+5SPiAfvDl3lW15InqXNyp7nZ949qyqSQXlbl0tT+51oeEXAppqkLyQs5ayFWu29m3XwEAAAAAAAAAAAAAAAD8pxsIeKzqACgAAA=='
  result = () => ({ bytes: Buffer.from(bytes, 'base64') })
  expect(ids((await written(await opened(), items(1))).outcomes)).toEqual(['x0'])
})

test('the signed address sees nothing of the connection, and nobody sees the signature', async () => {
  result = async () => ({ bytes: await allDone() })
  const top = `
auth: { kind: basic, user: me, password: pass-of-the-system }
headers: { X-Tenant: acme }
cookies: true
errors: { classes: [{ when: status = 403, is: throttled }] }`
  const session = await opened(top)
  expect(ids((await written(session)).outcomes)).toEqual(['made-0', 'made-1', 'made-2'])
  expect(system.asked.every(({ headers }) => headers.authorization && headers['x-tenant'])).toBe(true)
  expect(store.asked).toHaveLength(1)
  expect(store.asked[0]!.query.get('X-Signature')).toBe('s3cr3t-of-the-store')
  expect(Object.keys(store.asked[0]!.headers).filter((name) => /auth|tenant|cookie/.test(name))).toEqual([])

  // What a status means to the system means nothing of the store.
  result = () => ({ status: 403, text: '<Error>expired</Error>' })
  const { outcomes } = await written(session, items(1))
  expect(outcomes).toMatchObject([{ status: 'unknown', error: { code: 'CSW-3012', cause: { code: 'CSW-3004' } } }])
  expect(JSON.stringify(outcomes)).not.toContain('s3cr3t-of-the-store')
})

test('without being called signed, an address on another host is not asked at all', async () => {
  result = async () => ({ bytes: await allDone() })
  const { outcomes } = await written(await opened('', EXAMPLE.replace(' signed: true,', '')), items(1))
  expect(outcomes).toMatchObject([{ status: 'unknown', error: { cause: { code: 'CSW-2008' } } }])
  expect(store.asked).toEqual([])
})

test.each([
  ['cut on its way', async () => (await allDone()).subarray(0, 150)],
  ['cut before it was zipped', async () => gzipSync((await tarOf(operations.length)).subarray(0, 1_024))],
  ['no archive', async () => gzipSync('<html>We are down for maintenance</html>'.repeat(40))],
  ['neither', async () => Buffer.from('<html>')],
  ['empty', async () => Buffer.alloc(0)],
  ['an archive of something else', () => packed('made: 0')],
])('an archive that is %s says nothing of the records; the next one does', async (_, bytes) => {
  result = async () => ({ bytes: await bytes() })
  const { outcomes, finish } = await written(await opened())
  expect(ids(outcomes)).toEqual(['unknown', 'unknown', 'unknown'])
  expect(outcomes).toMatchObject(Array(3).fill({ error: { code: 'CSW-3012', cause: { code: 'CSW-3007' } } }))
  // Fetched twice: it may have been cut on its way.
  expect(store.asked).toHaveLength(2)
  expect((await failureOf(finish())).code).toBe('CSW-3007')
  result = async () => ({ bytes: await allDone() })
  expect(ids(await finish())).toEqual(['made-0', 'made-1', 'made-2'])
})

const tarOf = (count: number) => {
  const body = JSON.stringify(Array.from({ length: count }, (_, i) => answer(`${i}`, 200, { id: `x${i}` })))
  return packTar([{ header: { name: 'b1/0.json', type: 'file', size: body.length }, body }])
}

test('an archive that is small only as long as it is packed is not unpacked', async () => {
  const bomb = await packed([], JSON.stringify(Array(700_000).fill(0)))
  expect(bomb.length).toBeLessThan(10_000)
  result = () => ({ bytes: bomb })
  const { outcomes } = await written(await opened())
  expect(outcomes).toMatchObject(Array(3).fill({ status: 'unknown', error: { cause: { code: 'CSW-3011' } } }))
  // It would be as large the next time.
  expect(store.asked).toHaveLength(1)
})

test('what is to be linked once it is written is not called written by who asks later', async () => {
  const linking = EXAMPLE.replace(
    '    batch:',
    '    apart: [tags]\n    after: [{ when: $exists(values.tags), path: "/tags/${ id }", body: { tags: "${ values.tags }" } }]\n    batch:',
  )
  const session = await opened('', linking)
  result = () => ({ bytes: Buffer.from('cut') })
  const given = [...items(1), { ...items(2)[1]!, values: { external_id: 'x1', tags: ['a'] } }]
  const { outcomes, finish } = await written(session, given)
  expect(ids(outcomes)).toEqual(['unknown', 'unknown'])
  result = async () => ({ bytes: await allDone() })
  expect((await finish()).map(({ ref, status }) => [ref, status])).toEqual([['r0', 'written']])
  // Who still has them sends them.
  expect(ids((await written(session, given)).outcomes)).toEqual(['made-0', 'made-1'])
  expect(system.asked.filter(({ path }) => path.startsWith('/tags/')).map(({ path }) => path)).toEqual(['/tags/made-1'])
})

test('a manifest that reads texts of what is no archive is not taken', () => {
  const { findings } = load(restManifest(EXAMPLE.replace('as: archive, ', '')))
  expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('archives only')])
})
