/** Intents of a worker that died: whatever becomes of their records, nobody is kept from the target for ever. */
import { expect, test } from 'vitest'
import { CausewayError, type JsonObject, JsonText } from '../../src/core/index.ts'
import type { MapOutput } from '../../src/mapping/index.ts'
import { TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const email = 'ann@example.test'
const contacts = { connection: 'crm', stream: 'contacts' }
const toManager = { path: ['manager'], to: { connection: 'erp', stream: 'customers' }, from: contacts, id: 'nobody' }
/** A record says whether it passes, and under which part it goes. */
const run = ({ part, left, name, manager }: JsonObject): MapOutput =>
  left
    ? { status: 'filtered' }
    : {
        status: 'mapped',
        parts:
          part === null
            ? []
            : [
                {
                  part: part as string,
                  values: JsonText.of({ email, name: String(name) }),
                  references: manager ? [toManager] : [],
                },
              ],
      }
const sync: TestSync = {
  name: 'to-erp',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  deletes: 'delete',
  run,
}

/** Of a worker that has sent what it had to, and ends before it can note so. */
async function dieOverPush(hub: TestHub): Promise<void> {
  const { ledger } = hub.ports
  const { commitBatch } = ledger
  ledger.commitBatch = async () => {
    throw new CausewayError('CSW-6001', { what: 'the worker ends here' })
  }
  await expect(hub.push('to-erp')).rejects.toMatchObject({ code: 'CSW-6001' })
  ledger.commitBatch = commitBatch
}

const ends = {
  // What was only linked has no outcome that somebody would have to find out.
  'waits for another one': (crm: MemorySystem) => crm.put('contacts', 'b', { part: '', name: 'Ann', manager: true }),
  'was deleted': (crm: MemorySystem) => crm.remove('contacts', 'b'),
  'was filtered out': (crm: MemorySystem) => crm.put('contacts', 'b', { part: '', left: true }),
  'went under another part': (crm: MemorySystem) => crm.put('contacts', 'b', { part: null }),
}
test.each(
  Object.entries(ends).flatMap(([how, end]) =>
    [
      ['linked', 'Ann'],
      ['changed', 'Anna'],
    ]
      .filter(([did]) => did === 'linked' || how !== 'waits for another one')
      .map(([did, name]) => ({ how, did, name, end })),
  ),
)(
  'a record that $how after its worker died over it, before it was $did, leaves the target to others',
  async ({ how, name, end }) => {
    const crm = new MemorySystem().stream('contacts')
    const erp = new MemorySystem().stream('customers')
    erp.put('customers', 'T', { email, name: 'Ann' })
    const multipart = how === 'went under another part'
    const hub = await TestHub.open({ crm, erp }, [{ ...sync, multipart }])
    const push = async () => {
      await hub.pull('crm:contacts')
      for (let i = 0; i < 3; i++) {
        await hub.push('to-erp')
        await hub.skipWaits()
      }
    }
    crm.put('contacts', 'b', { part: multipart ? 'one' : '', name: name! })
    await hub.pull('crm:contacts')
    await dieOverPush(hub)
    expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(1)
    end(crm)
    await push()
    expect((await hub.pool.query('select operation, part from intent')).rows).toEqual([])
    crm.put('contacts', 'c', { part: multipart ? 'one' : '', name: 'Annie' })
    await push()
    expect(erp.list('customers').map(({ id, body }) => [id, body])).toEqual([['T', { email, name: 'Annie' }]])
  },
)

test.each([
  ['is deleted', (crm: MemorySystem) => crm.remove('contacts', 'b')],
  ['is filtered out', (crm: MemorySystem) => crm.put('contacts', 'b', { part: '', left: true })],
])(
  'what a create without an answer made stays for the record that was linked with it since, when its own one %s',
  async (_, end) => {
    const crm = new MemorySystem().stream('contacts')
    const erp = new MemorySystem().stream('customers')
    const hub = await TestHub.open({ crm, erp }, [{ ...sync, onLeave: 'delete' }])
    crm.put('contacts', 'b', { part: '', name: 'Ann' })
    await hub.pull('crm:contacts')
    await dieOverPush(hub)
    end(crm)
    crm.put('contacts', 'c', { part: '', name: 'Ann' })
    await hub.pull('crm:contacts')
    for (let i = 0; i < 5; i++) {
      await hub.push('to-erp')
      await hub.skipWaits()
    }
    expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email, name: 'Ann' }])
    expect(erp.journal.map(({ operation }) => operation)).toEqual(['create'])
    expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
  },
)
