import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Erasures } from '../../src/assemble/erasures.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const CANARY = 'canary.person@example.test'
const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['number']],
  run: (record) => one({ number: record.number!, mail: record.email!, name: record.name! }),
}

/** A hub in which the canary is everywhere: log, deliveries, letters, journal, inbox, both streams. */
async function open() {
  const crm = new MemorySystem().stream('contacts', { deletions: 'scan' })
  const erp = new MemorySystem().stream('customers')
  const hub = await TestHub.open({ crm, erp }, [
    sync,
    { ...sync, name: 'back', from: 'erp:customers', to: 'crm:contacts', mode: 'update-only', run: () => one({}) },
  ])
  for (let i = 0; i < 10; i++)
    crm.put('contacts', `c${i}`, { number: String(i), email: `p${i}@example.test`, name: `N${i}` })
  crm.put('contacts', 'canary', { number: '77', email: CANARY, name: 'Canary' })
  crm.put('contacts', 'refused', { number: '78', email: CANARY, name: 'Canary' })
  erp.fault = (_operation, item) => (item.values.number === '78' ? 'refuse' : undefined)
  await hub.pull('crm:contacts', 'full')
  await hub.push('copy')
  await hub.pull('erp:customers')
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, event_id, headers, body) values ($1, 'e', '{}', $2), ($1, 'f', '{}', 'other')`,
    [id, Buffer.from(JSON.stringify({ email: CANARY }))],
  )
  const folder = await mkdtemp(join(tmpdir(), 'causeway-erasures-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const erasures = new Erasures(hub.pool, folder)
  await erasures.open()
  hub.ports.erasures = erasures
  return { crm, erp, hub, erasures, folder }
}

/** Everything in the database as text, compressed columns unpacked. */
async function everything(hub: TestHub): Promise<string> {
  const { rows: tables } = await hub.pool.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'causeway' and c.relkind = 'r'`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await hub.pool.query<Record<string, unknown>>(`select * from ${name}`)
    for (const row of rows)
      for (const value of Object.values(row))
        texts.push(Buffer.isBuffer(value) ? unpacked(value) : String(JSON.stringify(value)))
  }
  return texts.join('\n')
}

function unpacked(bytes: Buffer): string {
  try {
    return zstdDecompressSync(bytes).toString()
  } catch {
    return bytes.toString('latin1')
  }
}

test('an erased person is found nowhere, the others stay, and the target is not told', async () => {
  const { erp, hub, erasures, folder } = await open()
  expect(await everything(hub)).toContain(CANARY)
  const counts = await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  expect(counts).toMatchObject({ records: 3, deadLetters: 1, events: 1 })
  const left = await everything(hub)
  expect(left).not.toContain(CANARY)
  expect(left).not.toContain('Canary')
  for (let i = 0; i < 10; i++) expect(left).toContain(`p${i}@example.test`)
  expect(await readFile(join(folder, 'erasures.jsonl'), 'utf8')).not.toContain(CANARY)
  expect(erp.list('customers')).toHaveLength(11)
  expect((await hub.pool.query('select state from dead_letter')).rows).toEqual([{ state: 'discarded' }])
})

test('whoever was erased does not come back with the next pull, nor is taken for deleted', async () => {
  const { crm, erp, hub, erasures } = await open()
  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  crm.put('contacts', 'canary', { number: '77', email: CANARY, name: 'Canary the Second' })
  crm.put('contacts', 'again', { number: '79', email: CANARY, name: 'Canary the Third' })
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({
    outcome: 'success',
    counts: { deleted: 0, erased: 3 },
  })
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 0, updated: 0, deleted: 0 } })
  expect(await everything(hub)).not.toContain('Canary')
  expect(erp.list('customers')).toHaveLength(11)
})

test('after the restore of an older dump the person is erased again at the start', async () => {
  const { hub, erasures, folder } = await open()
  const before = await hub.pool.query<{ id: string; body: string }>('select id, body from record where id = $1', [
    'canary',
  ])
  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  // The dump of yesterday knows the record and nothing of the erasure.
  await hub.pool.query('delete from erasure')
  await hub.pool.query('update record set body = $2 where id = $1', ['canary', before.rows[0]!.body])
  expect(await everything(hub)).toContain(CANARY)
  await new Erasures(hub.pool, folder).open()
  expect(await everything(hub)).not.toContain(CANARY)
})
