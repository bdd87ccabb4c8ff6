/** ETags of what the API shows, and actions on condition that it is still so. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { breakGlass, createAccess } from '../../src/access/index.ts'
import { CausewayError } from '../../src/core/index.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addDeadLetter, addRun, type Seeded, seedHub } from './rows.ts'

let hub: TestHub
let ids: Seeded
beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
})
afterAll(() => hub.close())

const authorization = `Bearer ${TOKEN}`
const letterOf = (record: string) => addDeadLetter(hub.pool, ids.sync, record, 'CSW-3008', record)
const read = (path: string, headers: Record<string, string> = {}) =>
  fetch(hub.url + path, { headers: { authorization, ...headers } })
const assign = (id: number, assignee: string, ifMatch?: string) =>
  fetch(`${hub.url}/api/v1/dead-letters/${id}/assign`, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': 'application/json',
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
    body: JSON.stringify({ assignee }),
  })
const tagOf = async (id: number): Promise<string> => (await read(`/api/v1/dead-letters/${id}`)).headers.get('etag')!

test('what did not change is not sent again, and what did is', async () => {
  const id = await letterOf('p1')
  const path = `/api/v1/dead-letters/${id}`
  const tag = await tagOf(id)
  expect(tag).toMatch(/^"[\w-]{22}"$/)
  for (const held of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const spared = await read(path, { 'if-none-match': held })
    expect([spared.status, await spared.text(), spared.headers.get('etag')]).toEqual([304, '', tag])
  }
  expect((await read(path, { 'if-none-match': '"other"' })).status).toBe(200)
  await assign(id, 'Ada')
  const anew = await read(path, { 'if-none-match': tag })
  expect(anew.status).toBe(200)
  expect(await anew.json()).toMatchObject({ assignee: 'Ada' })
  expect((await read('/api/v1/dead-letters/999999', { 'if-none-match': '*' })).status).toBe(404)
})

test('an action on condition is done while the thing is as it was read, and refused afterwards', async () => {
  const id = await letterOf('p2')
  const tag = await tagOf(id)
  expect((await assign(id, 'Ada', tag)).status).toBe(200)
  const late = await assign(id, 'Bob', tag)
  expect(late.status).toBe(412)
  expect(late.headers.get('content-type')).toContain('application/problem+json')
  expect(await late.json()).toMatchObject({ code: 'CSW-8029' })
  expect(await (await read(`/api/v1/dead-letters/${id}`)).json()).toMatchObject({ assignee: 'Ada' })
  expect((await assign(id, 'Bob', `"x", ${await tagOf(id)}`)).status).toBe(200)
  // A weak tag says too little to change something by it.
  for (const no of [`W/${await tagOf(id)}`, '"x"', '', 'x']) expect((await assign(id, 'Eve', no)).status, no).toBe(412)
  expect((await assign(id, 'Cid', '*')).status).toBe(200)
})

test('of many who saw the same only one acts, whether the others have a condition or not', async () => {
  const id = await letterOf('p3')
  const tag = await tagOf(id)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => assign(id, `P${i}`, tag)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 412)])
  const again = await tagOf(id)
  const mixed = await Promise.all(Array.from({ length: 20 }, (_, i) => assign(id, `Q${i}`, i % 2 ? again : undefined)))
  expect(mixed.filter(({ status }, i) => i % 2 && status === 200).length).toBeLessThanOrEqual(1)
  expect(mixed.every(({ status }, i) => i % 2 === 1 || status === 200)).toBe(true)
  expect((await assign(id, 'last')).status).toBe(200)
})

test('a look that is refused is told as such, and not as a thing that has changed', async () => {
  const tight = await startHub({ pool: hub.pool, limits: { requestsPerMinute: 2 } })
  try {
    const id = await letterOf('tight')
    const tag = await tagOf(id)
    const act = () =>
      fetch(`${tight.url}/api/v1/dead-letters/${id}/assign`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'if-match': tag },
        body: '{"assignee":"Ada"}',
      })
    await fetch(`${tight.url}/api/v1/dead-letters/${id}`, { headers: { authorization } })
    // The action is the last that is allowed, so that its look is refused.
    const answer = await act()
    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await answer.json()).toMatchObject({ code: 'CSW-8005' })
    expect((await tagOf(id)) === tag).toBe(true)
  } finally {
    await tight.close()
  }
})

test('a condition on what shows nothing, or not to this caller, is refused; without one nothing changes', async () => {
  const post = (path: string, headers: Record<string, string>) =>
    fetch(hub.url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{}' })
  expect((await post('/api/v1/dead-letters/999999/requeue', { authorization, 'if-match': '*' })).status).toBe(412)
  expect((await post('/api/v1/dead-letters/999999/requeue', { authorization })).status).toBe(404)
  expect((await post('/api/v1/dead-letters/999999/requeue', { 'if-match': '*' })).status).toBe(401)
})

test('who waited for a long action until its own time was over holds up nobody afterwards', async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const quick = await startHub({
    pool: hub.pool,
    limits: { handlerMs: 1_500 },
    services: {
      undoRun: async () => {
        begun.resolve()
        await mayEnd
        throw new CausewayError('CSW-5005', { what: 'the sync is being delivered' })
      },
    },
  })
  try {
    const path = `${quick.url}/api/v1/runs/${await addRun(hub.pool, { kind: 'push', syncId: ids.sync })}`
    const tag = (await fetch(path, { headers: { authorization } })).headers.get('etag')!
    const act = (action: string, condition: Record<string, string> = { 'if-match': tag }) =>
      fetch(`${path}/${action}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...condition },
        body: '{}',
      })
    const undone = act('undo')
    await begun.promise
    const late = await act('approve')
    expect([late.status, await late.json()]).toMatchObject([503, { code: 'CSW-8006' }])
    end()
    expect((await undone).status).toBe(409)
    // Nothing is held there, which is an answer.
    expect((await act('approve', {})).status).toBe(409)
  } finally {
    end()
    await quick.close()
  }
})

test('a person behind a proxy that ends TLS acts on condition as everybody else', async () => {
  const access = createAccess(hub.pool)
  await access.users.add({ name: 'ada', role: 'editor', password: 'correct horse battery' }, breakGlass())
  const behind = await startHub({ pool: hub.pool, trustedProxies: ['127.0.0.1'] })
  try {
    const send = (path: string, headers: Record<string, string>, body?: object) =>
      fetch(`${behind.url}/api/v1${path}`, {
        method: body ? 'POST' : 'GET',
        headers: {
          'x-forwarded-proto': 'https',
          'x-forwarded-for': '203.0.113.7',
          'content-type': 'application/json',
          ...headers,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    const opened = await send('/login', {}, { name: 'ada', password: 'correct horse battery' })
    const cookie = opened.headers.get('set-cookie')!.split(';')[0]!
    expect(cookie).toMatch(/^__Host-/)
    const { csrf } = (await opened.json()) as { csrf: string }
    const path = `/dead-letters/${await letterOf('proxy')}`
    const tag = (await send(path, { cookie })).headers.get('etag')!
    const act = () => send(`${path}/assign`, { cookie, 'x-causeway-csrf': csrf, 'if-match': tag }, { assignee: 'Ada' })
    expect([(await act()).status, (await act()).status]).toEqual([200, 412])
  } finally {
    await behind.close()
  }
})
