import { expect, test } from 'vitest'
import { limitsPart } from '../../src/connector/parts/limits.ts'
import { failureOf, load, open, readAll, restManifest } from './open.ts'
import { serve } from './server.ts'

const read = 'read: { path: /things, records: response.data }'

test('each bucket counts the requests it is for, and an empty one says so instead of sending', async () => {
  await using server = await serve(() => ({ json: { data: [{ id: 1 }], found: [{ id: 1 }] } }))
  const manifest = restManifest(
    `
    ${read}
    lookup: { id: { path: /search, query: { id: "\${ value }" }, records: response.found } }`,
    `limits:
  buckets:
    - { name: all, calls: 100, per: 3600 }
    - { name: search, calls: 2, per: 3600, when: 'path = "/search" and purpose = "read"' }`,
  )
  const session = await open(manifest, server)
  const lookup = () =>
    session.lookup({ stream: 'things', field: 'id', values: ['1'], signal: new AbortController().signal })
  expect((await lookup()).size).toBe(1)
  expect((await lookup()).size).toBe(1)
  expect(await failureOf(lookup())).toMatchObject({ code: 'CSW-3005', message: expect.stringContaining('"search"') })
  expect((await readAll(session)).ids).toEqual(['1'])
  expect(server.asked.map(({ path }) => path)).toEqual(['/search', '/search', '/things'])
})

const SPELLINGS: Record<string, { bucket: string; headers: Record<string, string> }> = {
  'seconds to go': {
    bucket: 'remaining: "headers.`x-left`", reset: "headers.`x-reset`", reset_as: seconds',
    headers: { 'X-Left': '0', 'X-Reset': '900' },
  },
  'a moment since 1970': {
    bucket: 'remaining: "headers.`x-left`", reset: "headers.`x-reset`", reset_as: epoch',
    headers: { 'X-Left': '0', 'X-Reset': String(Math.floor(Date.now() / 1000) + 900) },
  },
  'a moment in milliseconds': {
    bucket: 'remaining: "headers.`x-left`", reset: "headers.`x-reset`", reset_as: epoch_ms',
    headers: { 'X-Left': '0', 'X-Reset': String(Date.now() + 900_000) },
  },
  'an HTTP date': {
    bucket: 'remaining: "headers.`x-left`", reset: "headers.`x-reset`"',
    headers: { 'X-Left': '0', 'X-Reset': new Date(Date.now() + 900_000).toUTCString() },
  },
  'the RateLimit draft': {
    bucket: 'policy: burst',
    headers: { 'RateLimit-Policy': '"burst";q=100;w=60, "day";q=9;w=9', RateLimit: '"day";r=5, "burst";r=0;t=900' },
  },
  'no reset at all': { bucket: 'remaining: "headers.`x-left`"', headers: { 'X-Left': '0' } },
}

test.each(Object.entries(SPELLINGS))(
  'an answer that says nothing is left stops the next call: %s',
  async (_, style) => {
    await using server = await serve(() => ({ json: { data: [] }, headers: style.headers }))
    const manifest = restManifest(
      read,
      `limits: { buckets: [{ name: quota, calls: 1000, per: 900, ${style.bucket} }] }`,
    )
    const session = await open(manifest, server)
    await readAll(session)
    const refused = await failureOf(readAll(session))
    expect(refused).toMatchObject({ code: 'CSW-3005', message: expect.stringContaining('"quota"') })
    expect(refused.retryAfterMs).toBeGreaterThan(880_000)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(901_000)
    expect(server.asked).toHaveLength(1)
  },
)

test('requests cost points, and the body of an answer says how many are left', async () => {
  let left = 1000
  await using server = await serve(({ query }) => {
    left -= Number(query.get('points'))
    return { json: { data: [{ id: 1 }], cost: { maximum: 1000, available: left } } }
  })
  const manifest = restManifest(
    'read: { path: /things, query: { points: 600 }, cost: 600, records: response.data }',
    `limits:
  buckets:
    - { name: points, calls: 2000, per: 36000, refill: steady, cost: cost, remaining: response.cost.available, limit: response.cost.maximum }`,
  )
  const session = await open(manifest, server)
  await readAll(session)
  // 400 of 1000 are left and refill at 1000 in ten hours.
  expect(await failureOf(readAll(session))).toMatchObject({
    code: 'CSW-3005',
    message: expect.stringContaining('"points"'),
  })
  expect(server.asked).toHaveLength(1)
})

test('the size of a bucket may come from the settings; two of one name are refused', async () => {
  await using server = await serve(() => ({ json: { data: [] } }))
  const manifest = restManifest(read, `limits: { buckets: [{ name: plan, calls: "\${ settings.token }", per: 60 }] }`)
  const session = await open(manifest, server, { token: '1' })
  await readAll(session)
  expect(await failureOf(readAll(session))).toMatchObject({ code: 'CSW-3005' })
  expect(await failureOf(open(manifest, server))).toMatchObject({ code: 'CSW-2005' })
  const twice = load(
    restManifest(read, `limits: { buckets: [{ name: a, calls: 1, per: 1 }, { name: a, calls: 1, per: 1 }] }`),
  )
  expect(twice.findings).toMatchObject([{ code: 'CSW-2004', message: expect.stringContaining('"a" is taken') }])
})

test('the examples of the reference run: every bucket of them admits a call', async () => {
  for (const example of [limitsPart.example!, limitsPart.fields.buckets.item!.part!.example!]) {
    await using server = await serve(() => ({ json: { data: [{ id: 1 }] } }))
    expect((await readAll(await open(restManifest(read, example.trim()), server))).ids).toEqual(['1'])
  }
})
