/** What Salesforce says of a merge: the merged record lies in the bin and names the one that is left. */
import { expect, test } from 'vitest'
import type { Table } from '../../src/simulator/table.ts'
import { simulated, together } from './merges.ts'

const KINDS = { accounts: 'Name', contacts: 'FirstName', leads: 'FirstName' }

async function merge(table: Table, into: string, former: string): Promise<void> {
  const gone = table.find(former)!
  await table.remove(gone, Date.now())
  gone.record.MasterRecordId = into
  await table.touch(table.find(into)!, Date.now())
}

/** Records of a table that are there, whatever lies in the bin of the samples. */
const alive = (table: Table): string[] =>
  table.entries.filter(({ record }) => record.MasterRecordId === null).map(({ id }) => id)

test.each(Object.keys(KINDS))(
  'a tombstone of %s names the record it was merged into, others name none',
  async (kind) => {
    const { subject, table } = await simulated('salesforce', kind, 9)
    const [into, former, gone] = alive(table)
    await merge(table, into!, former!)
    await table.remove(table.find(gone!)!, Date.now())
    const { records } = await subject.read(kind, 'full', null, Infinity, await subject.connect({}))
    const named = new Map(records.map(({ id, mergedInto }) => [id, mergedInto]))
    expect(named.get(former!)).toBe(into)
    expect(named.get(gone!)).toBeUndefined()
    expect(named.get(into!)).toBeUndefined()
  },
)

test.each(Object.entries(KINDS))(
  'a merge of two %s that each have a counterpart: 0 deletes, 0 creates',
  async (kind, field) => {
    const { table, desk, cycle, written } = await together(
      'salesforce',
      kind,
      {
        External_Id__c: 'email',
        [field]: 'name',
      },
      9,
    )
    const before = desk.list('users')
    expect(written()).toEqual({ vendor: [], desk: before.map(() => 'create') })
    const [one, two, into, first, second, gone] = alive(table)
    expect(gone).toBeDefined()
    await merge(table, one!, two!)
    // A chain in one page: the survivor of a merge is merged as well.
    await merge(table, first!, second!)
    await merge(table, into!, first!)
    await cycle()
    expect(written()).toEqual({ vendor: [], desk: [] })
    expect(desk.list('users')).toEqual(before)
    // Whatever is just deleted is deleted there as before.
    await table.remove(table.find(gone!)!, Date.now())
    await cycle()
    expect(written()).toEqual({ vendor: [], desk: ['delete'] })
  },
)
