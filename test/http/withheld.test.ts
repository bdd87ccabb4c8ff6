/** Words of systems and contents of records, planted into every column that is said to hold them, and looked for in every answer. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { breakGlass, createAccess, type Scope } from '../../src/access/index.ts'
import { CausewayError } from '../../src/core/index.ts'
import { columnsOf } from '../../src/store/column-classes.ts'
import { startHub, type TestHub } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, seedHub } from './rows.ts'

let hub: TestHub
let run: number
const routes: { url: string; access: string | undefined }[] = []
const tokens = new Map<string, string>()

beforeAll(async () => {
  hub = await startHub({
    onRoute: ({ method, url, config }) => {
      if (method === 'GET') routes.push({ url, access: config?.access })
    },
    services: {
      // A system that fails while somebody asks.
      connectors: () => {
        throw new CausewayError('CSW-3008', { what: 'mark:said:now refused it', fix: 'mark:said:now' })
      },
    },
  })
  const access = createAccess(hub.pool)
  for (const [name, scopes] of Object.entries({
    watcher: ['hub:read'],
    reader: ['hub:read', 'records:read'],
  } as Record<string, Scope[]>))
    tokens.set(
      name,
      (await access.tokens.create({ name, role: 'viewer', scopes, expiresAt: null }, breakGlass())).secret,
    )
  await seed()
  await plant()
})
afterAll(() => hub.close())

/** A row in every table that has such columns and that a route reads. */
async function seed(): Promise<void> {
  const { pool } = hub
  const ids = await seedHub(pool)
  await addRecord(pool, ids.contacts, 'c1', '{"email":"x"}', { email: 'x' })
  await addDelivery(pool, ids.sync, 'c1', 'pending', { nextAttemptAt: new Date(), error: 'x', delivered: '{}' })
  await addDeadLetter(pool, ids.sync, 'c2', 'CSW-3008', 'f', { input: '{}', output: '{}' })
  run = await addRun(pool, { kind: 'push', syncId: ids.sync, requestId: 'r1', outcome: 'failed' })
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1', outcome: 'failed' })
  const held = await addRun(pool, { kind: 'pull', streamId: ids.contacts, outcome: 'held' })
  await pool.query(
    `insert into alert_message (id, route, change, content, error) values ('m', 'ops', 'opened', '{}', '{}');
     insert into analytics_table (target, schema_name, name, stream_id, columns, error) values ('bi', 's', 't', ${ids.contacts}, '[]', '{}');
     insert into webhook_subscription (connection_id, url, events, error) values (${ids.crm}, 'https://hub.test', '[]', '{}');
     insert into bulk_action (kind, filter, actor, request, total, error) values ('dead_letters.requeue', '{}', 'ada', '{}', 1, '{}');
     insert into inbox (connection_id, event_id, headers, body) values (${ids.crm}, 'e', '{}', 'x');
     insert into hold (kind, stream_id, run_id, reason, seq, records, live) values ('scan', ${ids.contacts}, ${held}, 'many', 1, 1, 2);
     insert into held_record (hold_id, record_id) select id, 'mark:id:held' from hold;
     update stream set cursor = '"mark:id:cursor"'`,
  )
}

const planted = new Set<string>()

/** Columns of tables without a row stay as they are: no route reads them, or only with `records:read`. */
async function plant(): Promise<void> {
  for (const kind of ['words', 'content'] as const)
    for (const { table, column } of columnsOf(kind)) {
      const mark = `mark:${table}:${column}`
      const error = { code: 'CSW-3008', what: mark, fix: mark, data: { status: 422, who: mark }, place: { file: 'a' } }
      const text = JSON.stringify(kind === 'words' ? error : { email: mark })
      const { rows } = await hub.pool.query<{ type: string }>(
        `select udt_name as type from information_schema.columns
          where table_schema = 'causeway' and table_name = $1 and column_name = $2`,
        [table, column],
      )
      if (rows[0]!.type !== 'text') continue
      const { rowCount } = await hub.pool.query(`update ${table} set ${column} = $1`, [text])
      if (rowCount) planted.add(mark)
    }
}

/** Addresses of what is there, for every route that has a place for a name. */
function addressOf(url: string): string {
  const named: [RegExp, string][] = [
    [/\/connections\/:name/, '/connections/crm'],
    [/\/connectors\/:name/, '/connectors/demo-crm'],
    [/\/syncs\/:name/, '/syncs/contacts-to-erp'],
    [/\/streams\/:address/, '/streams/crm%3Acontacts'],
    [/:requestId/, 'r1'],
    [/\/runs\/:id\/hold/, `/runs/${run + 2}/hold`],
    [/\/runs\/:id/, `/runs/${run}`],
    [/\/record$/, '/record?stream=crm%3Acontacts&id=c1'],
    [/\/records$/, '/records?key=c1'],
    [/:\w+/g, '1'],
    [/\*/, 'queues'],
  ]
  return named.reduce((address, [part, name]) => address.replace(part, name), url)
}

async function askAll(who: string, accesses: string[]): Promise<Map<string, { status: number; text: string }>> {
  const answers = new Map<string, { status: number; text: string }>()
  for (const { url, access } of routes) {
    if (access === undefined || !accesses.includes(access) || url.endsWith('/feed')) continue
    const answer = await fetch(hub.url + addressOf(url), { headers: { authorization: `Bearer ${tokens.get(who)}` } })
    answers.set(url, { status: answer.status, text: await answer.text() })
  }
  return answers
}

const marksIn = (answers: Iterable<{ text: string }>): string[] =>
  [...new Set([...answers].flatMap(({ text }) => text.match(/mark:\w+:\w+/g) ?? []))].sort()

test('who may read the hub and no records is told no word of a system and nothing of a record, on no route', async () => {
  const answers = await askAll('watcher', ['hub:read', 'signed-in'])
  expect(answers.size).toBeGreaterThan(30)
  expect(marksIn(answers.values())).toEqual([])
  const run = JSON.parse(answers.get('/api/v1/runs/:id')!.text) as { error: unknown }
  expect(run.error).toEqual({
    code: 'CSW-3008',
    what: 'The target refused this record. What was said is shown with the scope records:read.',
    why: 'The target refused this record.',
    fix: 'Read the refusal, correct the record in the source or the mapping, then requeue.',
    reaction: 'dead-letter',
    causeClass: 'data',
    place: { file: 'a' },
    data: { status: 422 },
    withheld: 'records:read',
  })
})

test('who may read records is told both', async () => {
  const answers = await askAll('reader', ['hub:read', 'signed-in', 'records:read'])
  const seen = marksIn(answers.values())
  for (const mark of ['run:error', 'stream:last_error', 'sync:last_error', 'analytics_table:error', 'said:now'])
    expect(seen).toContain(`mark:${mark}`)
  for (const mark of ['webhook_subscription:error', 'alert_message:error', 'bulk_action:error', 'dead_letter:error'])
    expect(seen).toContain(`mark:${mark}`)
  for (const mark of ['id:held', 'id:cursor', 'record:body', 'delivery:error', 'delivery:delivered'])
    expect(seen).toContain(`mark:${mark}`)
  expect(planted.size).toBeGreaterThan(15)
})
