import { expect, test } from 'vitest'
import { breakLeases } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: ({ email, name }) => one({ email: email!, name: name! }),
}

test('a call that was on the wire when its worker froze goes over a newer write, and the newest is delivered once more', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const put = (rev: number): void => {
    for (let i = 0; i < 5; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Name ${rev}` })
  }
  const names = (): unknown[] => erp.list('customers').map(({ body }) => body.name)
  const frozen = await TestHub.open({ crm, erp }, [sync])
  put(1)
  await frozen.pull('crm:contacts')
  await frozen.push('contacts')
  const successor = await TestHub.open({ crm, erp }, [sync], frozen.pool)
  erp.onWrite = async () => {
    // Only the first call comes late.
    erp.onWrite = async () => {}
    await breakLeases(frozen.pool)
    put(3)
    await successor.pull('crm:contacts')
    await successor.skipWaits()
    await successor.push('contacts')
    expect(names()).toEqual(Array(5).fill('Name 3'))
  }
  put(2)
  await frozen.pull('crm:contacts')
  await frozen.push('contacts').catch(() => null)
  // The system had the call in its hands, and carried it out after the newer one.
  expect(names()).toContain('Name 2')

  await successor.skipWaits()
  await successor.push('contacts')
  expect(names()).toEqual(Array(5).fill('Name 3'))
  expect(erp.list('customers')).toHaveLength(5)
  const { rows } = await frozen.pool.query(
    'select delivered from delivery where next_attempt_at is not null or delivered like $1',
    ['%~unproven%'],
  )
  expect(rows).toEqual([])
  expect((await frozen.pool.query('select 1 from intent')).rowCount).toBe(0)
})
