import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Sandbox, SYSTEMS, startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, call, client } from './calls.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sandbox-test-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

async function everything(sandbox: Sandbox): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {}
  for (const system of SYSTEMS)
    for (const table of Object.keys(await sandbox[system].door.counts()))
      all[`${system}.${table}`] = await sandbox[system].door.records(table)
  return all
}

test('a restart goes on exactly where the last one stopped, at the same addresses, and gives no id twice', async () => {
  const first = await startSandbox({ ports: ANY_PORT, dataDir })
  for (const system of SYSTEMS) await first[system].door.tick(30)
  const ask = await client(first, 'crm')
  const { id } = (await ask('POST', '/crm/v1/contacts', { lastName: 'Przedostatni' })).json
  await first.crm.door.remove('contacts', id)
  const upload = await (await client(first, 'documents'))('PUT', '/v1/files?path=/a.txt', Buffer.from('treść'))
  const before = await everything(first)
  await first.stop()

  const second = await startSandbox({ dataDir })
  expect(second.env).toEqual(first.env)
  expect(await everything(second)).toEqual(before)
  const again = await client(second, 'crm')
  const next = (await again('POST', '/crm/v1/contacts', { lastName: 'Ostatni' })).json.id
  expect(Number(next)).toBeGreaterThan(Number(id))
  expect((await (await client(second, 'documents'))('GET', `/v1/items/${upload.json.id}/content`)).text).toBe('treść')
  await second.stop()
})

test('without a folder two starts with one seed are equal, and another seed is another world', async () => {
  const worlds = []
  for (const seed of [7, 7, 8]) {
    const sandbox = await startSandbox({ ports: ANY_PORT, seed })
    worlds.push(await sandbox.crm.door.records('contacts'))
    await sandbox.stop()
  }
  expect(worlds[1]).toEqual(worlds[0])
  expect(worlds[2]).not.toEqual(worlds[0])
})

test('a line torn by a crash is cut off and what follows is read again', async () => {
  const first = await startSandbox({ ports: ANY_PORT, dataDir })
  await first.stop()
  appendFileSync(join(dataDir, 'crm.jsonl'), '[["contacts","999999",{"id":"999')
  const second = await startSandbox({ dataDir })
  const { id } = (await (await client(second, 'crm'))('POST', '/crm/v1/contacts', { lastName: 'Nach dem Riss' })).json
  await second.stop()
  const third = await startSandbox({ dataDir })
  const contacts = await third.crm.door.records('contacts')
  expect(contacts.map((row) => row.id)).toContain(id)
  expect(contacts.length).toBe(2001)
  await third.stop()
})

test('a folder in use is refused, one left by a dead process is not', async () => {
  const first = await startSandbox({ ports: ANY_PORT, dataDir })
  await expect(startSandbox({ ports: ANY_PORT, dataDir })).rejects.toThrow('running already')
  await first.stop()
  appendFileSync(join(dataDir, 'sandbox.pid'), '4194304')
  await (await startSandbox({ dataDir })).stop()
})

async function startChild(): Promise<{ child: ChildProcess; env: Record<string, string> }> {
  const child = fork(
    join(import.meta.dirname, '../../sandbox/main.ts'),
    ['--data', dataDir, '--clock', '0', '--port', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, env: (JSON.parse(line.toString()) as { env: Record<string, string> }).env }
}

test('after kill −9 everything that was acknowledged is there', async () => {
  const { child, env } = await startChild()
  const headers = { 'x-api-key': env.SAMPLE_CRM_KEY! }
  const acknowledged: string[] = []
  const create = async (n: number): Promise<void> => {
    const reply = await call(`${env.SAMPLE_CRM_URL}/crm/v1/companies`, 'POST', headers, { name: `Firma ${n}` })
    if (reply.status === 201) acknowledged.push(reply.json.id)
  }
  const gone = once(child, 'exit')
  // Some requests are under way when the kill comes; those may be there or not.
  const work = Array.from({ length: 60 }, (_, n) => create(n).catch(() => undefined))
  await Promise.all(work.slice(0, 20))
  child.kill('SIGKILL')
  await Promise.all(work)
  await gone
  expect(acknowledged.length).toBeGreaterThanOrEqual(20)
  const sandbox = await startSandbox({ ports: ANY_PORT, dataDir })
  const ids = (await sandbox.crm.door.records('companies')).map((row) => row.id)
  expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([])
  await sandbox.stop()
})

test('the child process ends when its parent lets go of it', async () => {
  const { child } = await startChild()
  expect(Number(readFileSync(join(dataDir, 'sandbox.pid'), 'utf8'))).toBe(child.pid)
  const gone = once(child, 'exit')
  child.disconnect()
  expect((await gone)[0]).toBe(0)
})
