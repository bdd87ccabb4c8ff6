import { beforeAll, expect, test } from 'vitest'
import { withTransaction } from '../../src/store/index.ts'
import { linkKey } from '../../src/store/ledger/entity-links.ts'
import { findTargets, saveLinks } from '../../src/store/ledger/links.ts'
import type { BatchCommit } from '../../src/store/ledger/types.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

let db: TestDatabase
let streams: { requesters: number; contacts: number; customers: number }

beforeAll(async () => {
  db = await freshDatabase()
  const { rows } = await db.pool.query<{ id: number; name: string }>(
    `with c as (insert into connection (name, connector) values ('one', 'sample') returning id)
     insert into stream (connection_id, name) select c.id, name from c, unnest(array['requesters', 'contacts', 'customers']) as n(name)
     returning id, name`,
  )
  streams = Object.fromEntries(rows.map(({ name, id }) => [name, id])) as typeof streams
})

const linking = (sourceStream: number, targetStream: number, fromId: string, toId: string): BatchCommit =>
  ({ sourceStream, targetStream, links: [{ fromId, part: '', toId }], unlinks: [], left: [] }) as unknown as BatchCommit

test('two syncs that meet in one record at the same time make one entity of all three', async () => {
  const { requesters, contacts, customers } = streams
  let other: Promise<void> | undefined
  await withTransaction(db.pool, async (client) => {
    await saveLinks(client, linking(requesters, contacts, 'requester', 'contact'))
    // From here on it sees no link of the contact, and must wait for ours.
    other = withTransaction(db.pool, (second) => saveLinks(second, linking(contacts, customers, 'contact', 'customer')))
    await expect
      .poll(
        async () =>
          (
            await db.pool.query(
              `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
            )
          ).rowCount,
      )
      .toBe(1)
  })
  await other
  const targetOf = async (from: number, to: number, id: string) =>
    (await findTargets(db.pool, from, to, [id])).get(linkKey(id, ''))?.id
  expect(await targetOf(contacts, customers, 'contact')).toBe('customer')
  expect(await targetOf(requesters, contacts, 'requester')).toBe('contact')
  expect(await targetOf(requesters, customers, 'requester')).toBe('customer')
})
