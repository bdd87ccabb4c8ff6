/** Who did what: nothing that a person does is done without its row in the audit, whatever happens to that row. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hub, openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { atEndOfFile } from '../end-of-file.ts'
import { addDeadLetter, addRun } from '../http/rows.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const ada = { name: 'user:ada', reason: 'reviewed' }
let database: TestDatabase
let hub: Hub
/** What each deed is about. */
let ids: { letters: number[]; run: number; drift: number; event: number; connection: number }

beforeAll(async () => {
  database = await freshDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-audited-'))
  atEndOfFile(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  const system = (name: string) =>
    `  ${name}: { connector: sample-crm, settings: { url: "http://127.0.0.1:9" }, secrets: { key: "store:api-key" }, allow: ["127.0.0.1"] }\n`
  await writeFile(join(dir, 'causeway.yaml'), `hub: {}\nconnections:\n${system('crm')}${system('other')}`)
  await writeFile(
    join(dir, 'mappings/contacts.yaml'),
    'from: crm:contacts\nto: other:contacts\nmatch: [email]\nmap: { email: email, lastName: lastName }\n',
  )
  hub = await openHub({
    dir,
    role: 'serve',
    env: { CAUSEWAY_DATABASE_URL: database.url },
    logger: createLogger({ level: 'silent', destination: process.stderr }),
  })
  ids = await seed(database)
})
afterAll(() => hub.close())

async function seed({ pool }: TestDatabase): Promise<typeof ids> {
  const one = async (sql: string, values: unknown[] = []): Promise<number> =>
    (await pool.query<{ id: number }>(sql, values)).rows[0]!.id
  const connection = await one(`select id from connection where name = 'crm'`)
  const sync = await one(`select id from sync where name = 'contacts'`)
  const stream = await one(`select id from stream where name = 'contacts' and connection_id = $1`, [connection])
  const run = await addRun(pool, { kind: 'pull', streamId: stream, outcome: 'held' })
  await pool.query(
    `insert into hold (kind, stream_id, run_id, reason, seq, records, live) values ('scan', $1, $2, 'share', 0, 0, 0)`,
    [stream, run],
  )
  const letters: number[] = []
  for (const record of ['a', 'b', 'c']) letters.push(await addDeadLetter(pool, sync, record, 'CSW-3008', record))
  return {
    ...{ connection, letters, run },
    drift: await one(`insert into drift (stream_id, changes) values ($1, '[]') returning id`, [stream]),
    event: await one(
      `insert into inbox (connection_id, body, headers, state, event_id) values ($1, '{}', '{}', 'done', 'e') returning id`,
      [connection],
    ),
  }
}

/** Everything that deeds change, as it stands. */
async function state(): Promise<unknown> {
  const { rows } = await database.pool.query(
    `select (select json_agg(json_build_array(name, state) order by id) from sync) as syncs,
            (select json_agg(json_build_array(name, state) order by id) from connection) as connections,
            (select json_agg(json_build_array(id, state, assignee) order by id) from dead_letter) as letters,
            (select json_agg(state) from hold) as holds, (select json_agg(state) from drift) as drifts,
            (select json_agg(state) from inbox) as events, (select json_agg(connection || field order by 1) from secret) as secrets,
            (select json_agg(scope) from alert_snooze) as snoozes`,
  )
  return rows[0]
}

const DEEDS: Record<string, () => Promise<unknown>> = {
  'sync.pause': () => hub.services.pauseSync('contacts', ada),
  'sync.resume': () => hub.services.resumeSync('contacts', ada),
  'connection.pause': () => hub.services.pauseConnection('crm', ada),
  'connection.resume': () => hub.services.resumeConnection('crm', ada),
  'hold.approve': () => hub.services.decideHold(ids.run, true, ada),
  'drift.accept': () => hub.services.acceptDrift(ids.drift, ada),
  'dead_letter.assign': () => hub.services.assignDeadLetter(ids.letters[0]!, { assignee: 'Ada', note: null }, ada),
  'dead_letters.requeue': () => hub.services.requeueDeadLetters([ids.letters[0]!], ada),
  'dead_letters.discard': () => hub.services.discardDeadLetters([ids.letters[1]!], ada),
  'events.replay': () => hub.services.replayEvents({ ids: [ids.event], limit: 10 }, null, ada),
  'secret.store': () => hub.services.secrets.store('crm', 'api-key', 'first-key-3c9d', ada),
  'secret.forget': () => hub.services.secrets.forget('crm', 'api-key', ada),
}

test.each(Object.keys(DEEDS))(
  '%s: a deed whose row in the audit cannot be written is not done; then it is, once',
  async (action) => {
    const { pool } = database
    const before = await state()
    await pool.query(
      `create function refuse_row() returns trigger language plpgsql as $$ begin raise exception 'the audit is full'; end $$;
     create trigger full_audit before insert on audit for each row execute function refuse_row()`,
    )
    try {
      await expect(DEEDS[action]!()).rejects.toThrow('the audit is full')
      expect(await state()).toEqual(before)
    } finally {
      await pool.query('drop trigger full_audit on audit; drop function refuse_row')
    }
    await DEEDS[action]!()
    expect(await state()).not.toEqual(before)
    const { rows } = await pool.query(`select actor, detail from audit where action = $1`, [action])
    expect(rows).toEqual([{ actor: 'user:ada', detail: expect.stringContaining('"reason":"reviewed"') }])
  },
)

test('what writes to other systems is in the audit before it begins, and ends there whatever became of it', async () => {
  const { pool } = database
  const told = async (subject: string) =>
    (
      await pool.query<{ action: string; detail: string }>(
        'select action, detail from audit where subject = $1 order by id',
        [subject],
      )
    ).rows.map(({ action, detail }) => [action, JSON.parse(detail)])
  const change = { record: 'a', part: '', seq: 1, target: null, fingerprint: 'f', action: 'create' }
  const plan = { version: 'another', changes: [change] }
  const signal = AbortSignal.timeout(60_000)
  await hub.services.applyPlan('contacts', plan, ada, signal)
  expect((await told('sync:contacts')).slice(-2)).toEqual([
    ['plan.apply', { changes: 1, reason: 'reviewed' }],
    ['plan.apply.ended', { runs: [], states: {}, moved: 1, reason: 'reviewed' }],
  ])
  await expect(hub.services.undoRun(ids.run, { plan: false, creations: false }, ada, signal)).rejects.toThrow()
  expect((await told(`run:${ids.run}`)).slice(-2)).toEqual([
    ['run.undo', { creations: false, reason: 'reviewed' }],
    ['run.undo.ended', { code: 'CSW-8008', reason: 'reviewed' }],
  ])
})
