import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadAdminToken, readTokenFile } from '../../src/http/index.ts'
import { readDocument } from './contract.ts'
import { startHub, type TestHub } from './hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await startHub({ limits: { wrongTokensPerMinute: 5 } })
})
afterAll(() => hub.close())

test('every operation but health probes, webhooks and logging in is closed without the token', async () => {
  const { paths } = await readDocument(hub)
  const open: string[] = []
  for (const [path, item] of Object.entries(paths))
    for (const [method, operation] of Object.entries(item)) {
      // Logins send a browser on.
      const response = await fetch(hub.url + path.replaceAll(/\{\w+\}/g, '1'), {
        method: method.toUpperCase(),
        redirect: 'manual',
      })
      if (response.status !== 401 || path.startsWith('/hooks/')) open.push(operation.operationId)
      else expect(await response.json()).toMatchObject({ code: 'CSW-8001' })
    }
  expect(open.sort()).toEqual([
    'answerWebhookHandshake',
    'answerWebhookHandshakeOfStream',
    'beginLogin',
    'finishLogin',
    'listLoginMethods',
    'live',
    'login',
    'ready',
    'receiveWebhook',
    'receiveWebhookOfStream',
  ])
  for (const path of ['/openapi.json', '/api/v1/nosuch', '/'])
    expect((await fetch(hub.url + path)).status, path).toBe(401)
})

test('guesses are limited per address, the right token still passes', async () => {
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) {
    const response = await fetch(`${hub.url}/api/v1/runs`, { headers: { authorization: `Bearer wrong-${i}` } })
    statuses.push(response.status)
    if (response.status === 429) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(response.headers.get('ratelimit')).toMatch(/^"wrong-tokens";r=0;t=\d+$/)
      expect(await response.json()).toMatchObject({ code: 'CSW-8005' })
    }
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429, 429])
  expect((await hub.get('/api/v1/runs')).status).toBe(200)
})

test('what one caller asks for in a minute is limited and told; others, probes and webhooks are not touched by it', async () => {
  const tight = await startHub({ pool: hub.pool, limits: { requestsPerMinute: 4 } })
  try {
    const name = `busy-${randomUUID()}`
    const { secret } = (await (await hub.post('/api/v1/tokens', { name, role: 'viewer' })).json()) as {
      secret: string
    }
    const ask = () => fetch(`${tight.url}/api/v1/runs`, { headers: { authorization: `Bearer ${secret}` } })
    const answers: Response[] = []
    for (let i = 0; i < 7; i++) answers.push(await ask())
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429, 429])
    const left = answers.map(({ headers }) => /^"caller";r=(\d);t=\d+$/.exec(headers.get('ratelimit') ?? '')?.[1])
    expect(left).toEqual(['3', '2', '1', '0', '0', '0', '0'])
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"caller";q=4;w=60')
    const refused = answers.at(-1)!
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(await refused.json()).toMatchObject({ code: 'CSW-8005', detail: expect.stringContaining(`token:${name}`) })
    expect((await tight.get('/api/v1/runs')).status).toBe(200)
    for (let i = 0; i < 6; i++) expect((await fetch(`${tight.url}/readyz`)).status).toBe(200)
  } finally {
    await tight.close()
  }
})

test('answers forbid framing, sniffing and scripts', async () => {
  const { headers } = await hub.get('/api/v1/runs')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('access-control-allow-origin')).toBeNull()
})

test('the token is made once with 256 bits, for its owner only, and read again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-token-'))
  try {
    const [first, second] = await Promise.all([loadAdminToken(folder), loadAdminToken(folder).catch(() => undefined)])
    const made = (await readFile(join(folder, 'admin-token'), 'utf8')).trim()
    expect(Buffer.from(made, 'base64url')).toHaveLength(32)
    expect(first?.token).toBe(made)
    // The loser of the race may look before the winner has written; it must never make a second token.
    if (second) expect(second.token).toBe(made)
    expect([first, second].filter((each) => each?.isNew)).toHaveLength(1)
    expect((await stat(join(folder, 'admin-token'))).mode & 0o777).toBe(0o600)
    expect(await loadAdminToken(folder)).toEqual({ token: made, file: join(folder, 'admin-token'), isNew: false })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a short configured token and an empty token file are refused', async () => {
  await expect(loadAdminToken('/nonexistent', 'secret')).rejects.toMatchObject({ code: 'CSW-1002' })
  const folder = await mkdtemp(join(tmpdir(), 'causeway-token-'))
  try {
    await writeFile(join(folder, 'admin-token'), '\n')
    await expect(readTokenFile(join(folder, 'admin-token'))).rejects.toMatchObject({ code: 'CSW-1003' })
  } finally {
    await rm(folder, { recursive: true })
  }
})
