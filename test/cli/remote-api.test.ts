/** Commands over a connection that is cut: what they asked for is done once, and they get its answer. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { remoteApi } from '../../src/cli/remote-api.ts'
import type { HubServices } from '../../src/http/index.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { seedHub } from '../http/rows.ts'

const RUN = '/api/v1/syncs/contacts-to-erp/run'
let hub: TestHub
let runs = 0
let run: HubServices['runSync'] = async (_name, { requestId }) => ({ requestId: requestId! })
beforeAll(async () => {
  hub = await startHub({
    services: {
      runSync: (name, request) => {
        runs++
        return run(name, request)
      },
    },
  })
  await seedHub(hub.pool)
})
afterAll(() => hub.close())

/** Somebody between: `meet` says what becomes of each connection, by its number. */
async function between(meet: (client: Socket, at: number) => void, port = 0) {
  const clients = new Set<Socket>()
  let count = 0
  const server: Server = createServer((client) => {
    clients.add(client.on('error', () => undefined))
    meet(client, count++)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.close()
    for (const client of clients) client.destroy()
  }
  onTestFinished(close)
  const at = (server.address() as AddressInfo).port
  return { url: `http://127.0.0.1:${at}`, port: at, close, count: () => count }
}

const toHub = (): Socket => connect(Number(new URL(hub.url).port), '127.0.0.1').on('error', () => undefined)
const pass = (client: Socket): void => {
  const server = toHub()
  client.pipe(server).pipe(client)
}
/** Lets the request through, and cuts the client off when the hub has answered. */
const loseAnswer = (client: Socket): void => {
  const server = toHub()
  client.pipe(server)
  server.once('data', () => client.resetAndDestroy())
}

test('an answer that was lost on its way is asked for again, and nothing is done twice', async () => {
  runs = 0
  const proxy = await between((client, at) => (at < 2 ? loseAnswer : pass)(client))
  const { requestId } = JSON.parse(await remoteApi(proxy.url, TOKEN).call('POST', RUN, {})) as { requestId: string }
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
  expect([runs, proxy.count()]).toEqual([1, 3])
  await remoteApi(proxy.url, TOKEN).call('POST', RUN, {})
  expect(runs).toBe(2)
})

test('one that is still being done is waited for', async () => {
  runs = 0
  const gate = Promise.withResolvers<void>()
  run = async (_name, { requestId }) => {
    await gate.promise
    return { requestId: requestId! }
  }
  const proxy = await between((client, at) => {
    pass(client)
    if (at === 0) setTimeout(() => client.resetAndDestroy(), 500)
    else setTimeout(() => gate.resolve(), 500)
  })
  const answer = await remoteApi(proxy.url, TOKEN).call('POST', RUN, {})
  expect([Object.keys(JSON.parse(answer) as object), runs]).toEqual([['requestId'], 1])
})

test('a secret that was lost on its way is said to be lost, and is not made twice', async () => {
  const proxy = await between((client, at) => (at ? pass : loseAnswer)(client))
  const made = remoteApi(proxy.url, TOKEN).call('POST', '/api/v1/tokens', { name: 'lost', role: 'viewer' })
  await expect(made).rejects.toMatchObject({ code: 'CSW-8032' })
  const tokens = await hub.pool.query(`select from api_token where name = 'lost'`)
  expect(tokens.rowCount).toBe(1)
})

test('a hub that goes while it is asked is waited for; one that was never there is not', async () => {
  const first = await between(() => undefined)
  const asked = remoteApi(first.url, TOKEN).call('GET', '/api/v1/me')
  await expect.poll(first.count, { timeout: 20_000 }).toBe(1)
  await first.close()
  // Nobody listens for a while.
  await new Promise((done) => setTimeout(done, 600))
  await between(pass, first.port)
  expect(JSON.parse(await asked)).toMatchObject({ kind: 'admin-token' })

  const gone = await between(pass)
  await gone.close()
  const began = performance.now()
  await expect(remoteApi(gone.url, TOKEN).call('POST', RUN, {})).rejects.toMatchObject({ code: 'CSW-8021' })
  // The waits of one that was cut come to more.
  expect(performance.now() - began).toBeLessThan(6_000)
})

test('one that is cut again and again is given up, and so is one whose time is over', async () => {
  const cutting = await between((client) => client.resetAndDestroy())
  await expect(remoteApi(cutting.url, TOKEN).call('GET', '/api/v1/me')).rejects.toMatchObject({
    code: 'CSW-8021',
    message: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/),
  })
  expect(cutting.count()).toBe(6)
  const silent = await between(() => undefined)
  await expect(remoteApi(silent.url, TOKEN, 300).call('GET', '/api/v1/me')).rejects.toMatchObject({ code: 'CSW-8021' })
  expect(silent.count()).toBe(1)
}, 60_000)
