import { mkdtemp } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { announceHub, findRunningHub } from '../../src/cli/running-hub.ts'

const announced = async (port: number) => {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-running-'))
  const hub = { url: `http://127.0.0.1:${port}`, pid: process.pid, startedAt: new Date().toISOString() }
  await announceHub(dir, hub)
  return { dir, hub }
}

test('a hub that is too busy to answer is found all the same, so that no command opens another ledger beside it', async () => {
  const silent = createServer(() => undefined)
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  onTestFinished(() => void silent.close())
  const { dir, hub } = await announced((silent.address() as AddressInfo).port)
  expect(await findRunningHub(dir, 200)).toEqual(hub)
})

test('a hub that was killed leaves its file behind and is not found, though its number was given to another process', async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  const { dir } = await announced(port)
  expect(await findRunningHub(dir)).toBeUndefined()
})
