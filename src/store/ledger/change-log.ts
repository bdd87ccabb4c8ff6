import type pg from 'pg'
import { CausewayError, JsonText, sliceOf } from '../../core/index.ts'
import { openBodies, sealsOf } from '../body-seals.ts'
import { isUniqueViolation } from '../failure.ts'
import { inOneGo, withTransaction } from '../transaction.ts'
import { ALIAS_FIELD, saveAliases } from './aliases.ts'
import { arrayText, columnText, inRow, rowsOf } from './array-text.ts'
import { noteTraces } from './change-traces.ts'
import { assertLease } from './lease-check.ts'
import { isMark, saveMarks, saveMoves } from './moves.ts'
import { isSameSet, keysOf } from './registration.ts'
import { saveRejected } from './rejected.ts'
import { packTexts, textAt } from './text-blob.ts'
import type { IncomingRecord, Keeping, PageCommit, PageResult } from './types.ts'

/**
 * Takes the stream lock (the row lock on `stream`), so that sequence order is commit order, and reserves a number per record:
 * gaps are harmless. A statement of its own, because the next one must look at the log as it is after the lock was got. A pull that
 * got further than the ones that failed before begins anew with short waits.
 * $1 stream · $2 count · $3 cursor or null · $4 move the cursor · $5 when the page was asked for
 */
const LOCK_STREAM = `
update stream set seq = seq + $2, cursor = case when $4 then $3 else cursor end,
       cursor_at = case when $4 then now() else cursor_at end,
       page_requested_at = case when $4 then $5 else page_requested_at end,
       pull_failures = case when $4 and $3::text is not null and $3 is distinct from cursor then 0 else pull_failures end
 where id = $1 returning seq, key_fields as "keyFields", keeping`

/**
 * Which records of a page are news. A row is replaced by a higher version; by an equal or absent version only when the read
 * began after the row was last observed. A tombstone of a record never seen is kept too: the record may be on its way, read
 * before it was deleted. `offset 0` keeps the look-up one index probe per record, where the planner would hash the stream.
 * $1 stream · $2 ids · $3 versions · $4 hashes · $5 deleted · $6 requested at
 */
const FIND_NEWS = `
select array_agg(i.ord order by i.ord) filter (where known.hash is null) as fresh,
       array_agg(i.ord order by i.ord) filter (where known.hash is not null) as changed
  from unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[])
       with ordinality as i(id, version, hash, deleted, requested_at, ord)
  left join lateral (select hash, deleted, version, observed_at from record k where k.stream_id = $1 and k.id = i.id offset 0) known on true
 where case when known.hash is null then true
       else (known.hash, known.deleted) is distinct from (case when ${inRow('i.deleted', '$5')} then known.hash else i.hash end, ${inRow('i.deleted', '$5')})
        and (i.version > known.version
          or ((i.version = known.version or i.version is null or known.version is null)
               and ${inRow('i.requested_at', '$6')} >= known.observed_at)) end`

const ROWS = rowsOf({
  id: '$2::text[]',
  slice: '$3::smallint[]',
  seq: '$4::bigint[]',
  version: '$5::text[]',
  hash: '$6::text[]',
  deleted: '$7::boolean[]',
  requested_at: '$8::timestamptz[]',
  content: '$9::text[]',
  start: '$11::int[]',
  length: '$12::int[]',
})

/**
 * $1 stream · $2 ids · $3 slices · $4 numbers · $5 versions · $6 hashes · $7 deleted · $8 requested at · $9 contents ·
 * $10 blob of bodies · $11 starts · $12 lengths
 */
const INSERT = `
insert into record as r (stream_id, id, slice, seq, version, hash, body, content, deleted, observed_at)
select $1, i.id, i.slice, i.seq, i.version, i.hash, ${textAt('$10', 'i.start', 'i.length')}, ${inRow('i.content', '$9')},
       ${inRow('i.deleted', '$7')}, ${inRow('i.requested_at', '$8')}
  from ${ROWS} as i`

const REPLACE = `${INSERT}
on conflict (stream_id, id) do update
   set seq = excluded.seq, version = coalesce(excluded.version, r.version),
       hash = case when excluded.deleted then r.hash else excluded.hash end,
       body = case when excluded.deleted then r.body else excluded.body end,
       content = case when excluded.deleted then r.content else excluded.content end,
       shrunk = r.shrunk and excluded.deleted, field_hashes = case when excluded.deleted then r.field_hashes end,
       deleted = excluded.deleted, observed_at = excluded.observed_at`

/** A record that is new or changed, with the number it gets. */
type News = { record: IncomingRecord; seq: number; isNew: boolean }

/** Commits one page of a pull, or several, or the records of some webhooks, in one transaction. */
export async function commitPage(pool: pg.Pool, page: PageCommit): Promise<PageResult> {
  try {
    return await commitOnce(pool, page)
  } catch (error) {
    if (!page.allNew || !isUniqueViolation(error)) throw error
    return commitOnce(pool, { ...page, allNew: false })
  }
}

function commitOnce(pool: pg.Pool, page: PageCommit): Promise<PageResult> {
  // Two versions of one record in one page would hit the same row twice in one statement: the last one wins.
  const records = [...new Map(page.records.map((record) => [record.id, record])).values()]
  return withTransaction(
    pool,
    async (client, commit) => {
      // Each of these sees what the one before did. A cursor moves under a lease only, so the first one changes nothing by itself.
      const [, { seq, keyFields, keeping }, found] = await inOneGo([
        page.lease && assertLease(client, page.lease),
        lockStream(client, page, records.length),
        page.allNew ? records.map((_, i) => ({ ord: i + 1, isNew: true })) : findNews(client, page, records),
      ] as const)
      const keyed = withKeysOf(keyFields, page, records)
      const news = found.map(({ ord, isNew }) => ({
        record: keyed[ord - 1]!,
        seq: seq - records.length + ord,
        isNew,
      }))
      const written = await sealed(sealsOf(pool), { client, streamId: page.streamId, keeping }, news)
      const fresh = written.filter(({ isNew }) => isNew)
      const known = written.filter(({ isNew }) => !isNew)
      const aliases = records.some((record) => record.aliases.length > 0 || record.mergedInto !== undefined)
      const marked = records.some(({ keys }) => keys.some(isMark))
      const moves = acceptedMoves(page, news)
      const traces = news.flatMap(({ record, seq }) => (record.trace ? { seq, trace: record.trace } : []))
      await inOneGo([
        // Under the stream lock nobody else writes records of this stream, so what was not there is still not there: an insert
        // that need not look for conflicts costs half.
        writeRecords(client, page, 'insert-records', INSERT, fresh),
        writeRecords(client, page, 'replace-records', REPLACE, known),
        // Seen unchanged is seen all the same: a slower read, sent before this one, must not bring back what was in between. Pages
        // of pulls need no note, because they come one after the other; what is fetched beside them is asked for again instead.
        page.cursor === undefined && noteSeen(client, page, records),
        saveKeys(client, page.streamId, news),
        aliases && saveAliases(client, page.streamId, records),
        marked && saveMarks(client, page.streamId, records),
        moves.length > 0 && saveMoves(client, page.streamId, moves),
        page.scanId !== undefined &&
          markSeen(client, page.streamId, page.scanId, [
            ...records.map((record) => record.id),
            ...(page.alsoSeen ?? []),
          ]),
        traces.length > 0 && noteTraces(client, page.streamId, traces),
        saveRejected(client, page, keeping === 'full' ? undefined : pool),
        // These two send one statement after the answer to another.
        !aliases && !moves.length && !page.rejected.length && commit(),
      ])
      return {
        changed: news.map(({ record, seq }) => ({ id: record.id, seq })),
        seq,
        allNew: fresh.length > 0 && fresh.length === records.length,
      }
    },
    'with-work',
  )
}

/** What stands in the table of a stream that is not kept in full is sealed until it shrinks. */
async function sealed(
  seals: ReturnType<typeof sealsOf>,
  { client, streamId, keeping }: { client: pg.PoolClient; streamId: number; keeping: Keeping },
  news: News[],
): Promise<News[]> {
  if (keeping === 'full' || !seals || !news.length) return news
  const bodies = await seals.seal(
    client,
    streamId,
    news.map(({ record }) => ({ id: record.id, bytes: record.body.bytes })),
  )
  return news.map((one, i) => ({ ...one, record: { ...one.record, body: JsonText.from(bodies[i]!) } }))
}

/** Match or join fields may have changed since the page was asked for: whoever changed them relies on the new ones from then on. */
function withKeysOf(fields: string[], page: PageCommit, records: IncomingRecord[]): IncomingRecord[] {
  if (!page.keyFields || isSameSet(page.keyFields, fields)) return records
  return records.map((record) =>
    record.deleted
      ? record
      : { ...record, keys: [...keysOf(record.body.value, fields), ...record.keys.filter(isMark)] },
  )
}

/** A move of which one side was not taken, because something newer is known of it, did not take place for the log. */
function acceptedMoves({ moves = [] }: PageCommit, news: News[]): { former: string; id: string }[] {
  if (!moves.length) return moves
  const taken = new Set(news.map(({ record }) => record.id))
  return moves.filter(({ former, id }) => taken.has(former) && taken.has(id))
}

async function noteSeen(client: pg.PoolClient, page: PageCommit, records: IncomingRecord[]): Promise<void> {
  const seen = records.filter((record) => record.version === null)
  if (!seen.length) return
  await client.query({
    name: 'note-seen',
    text: `update record r set observed_at = t.at from unnest($2::text[], $3::timestamptz[]) as t(id, at)
            where r.stream_id = $1 and r.id = t.id and r.observed_at < t.at and r.version is null`,
    values: [
      page.streamId,
      arrayText(seen.map((record) => record.id)),
      arrayText(seen.map((record) => requestedAt(record, page))),
    ],
  })
}

type LockedStream = { seq: number; keyFields: string[]; keeping: Keeping }

async function lockStream(client: pg.PoolClient, page: PageCommit, count: number): Promise<LockedStream> {
  const { rows } = await client.query<LockedStream>({
    name: 'lock-stream',
    text: LOCK_STREAM,
    values: [
      page.streamId,
      count,
      page.cursor ? JSON.stringify(page.cursor) : null,
      page.cursor !== undefined,
      page.requestedAt,
    ],
  })
  if (!rows[0]) throw new CausewayError('CSW-1001', { what: `stream ${page.streamId} is not in the ledger` })
  return rows[0]
}

async function findNews(
  client: pg.PoolClient,
  page: PageCommit,
  records: IncomingRecord[],
): Promise<{ ord: number; isNew: boolean }[]> {
  if (!records.length) return []
  const { rows } = await client.query<{ fresh: number[] | null; changed: number[] | null }>({
    name: 'find-news',
    text: FIND_NEWS,
    values: [
      page.streamId,
      arrayText(records.map((record) => record.id)),
      arrayText(records.map((record) => record.version)),
      arrayText(records.map((record) => record.hash)),
      columnText(records.map((record) => record.deleted)),
      columnText(records.map((record) => requestedAt(record, page))),
    ],
  })
  const { fresh, changed } = rows[0]!
  const found = (fresh ?? []).map((ord) => ({ ord, isNew: true }))
  if (!changed) return found
  for (const ord of changed) found.push({ ord, isNew: false })
  return found.sort((a, b) => a.ord - b.ord)
}

async function writeRecords(
  client: pg.PoolClient,
  page: PageCommit,
  name: string,
  text: string,
  news: News[],
): Promise<void> {
  if (!news.length) return
  const bodies = packTexts(news.map(({ record }) => record.body.bytes))
  const own = (value: (news: News) => string | number | null): string => arrayText(news.map(value))
  const column = (value: (news: News) => string | boolean | null): string => columnText(news.map(value))
  await client.query({
    name,
    text,
    values: [
      page.streamId,
      own(({ record }) => record.id),
      own(({ record }) => sliceOf(record.id)),
      own(({ seq }) => seq),
      own(({ record }) => record.version),
      own(({ record }) => record.hash),
      column(({ record }) => record.deleted),
      column(({ record }) => requestedAt(record, page)),
      column(({ record }) => record.content),
      bodies.bytes,
      arrayText(bodies.starts),
      arrayText(bodies.lengths),
    ],
  })
}

const requestedAt = (record: IncomingRecord, page: PageCommit): string =>
  isoText(record.requestedAt ?? page.requestedAt)

/** The records of a page share one time, and spelling it for each would cost more than the rest of its columns. */
function isoText(time: Date): string {
  if (time !== lastTime) [lastTime, lastText] = [time, time.toISOString()]
  return lastText
}
let lastTime: Date | undefined
let lastText = ''

async function saveKeys(client: pg.PoolClient, streamId: number, news: News[]): Promise<void> {
  const keyed = news.filter(({ record }) => record.keys.length || record.deleted)
  if (!keyed.length) return
  const rows = keyed.flatMap(({ record }) => record.keys.map((key) => ({ ...key, id: record.id })))
  const wanted = [rows.map((row) => row.field), rows.map((row) => row.value), rows.map((row) => row.id)].map(arrayText)
  const before = keyed.filter(({ isNew }) => !isNew).map(({ record }) => record.id)
  await inOneGo([
    before.length &&
      client.query({
        name: 'drop-keys',
        text: `with wanted as (select * from unnest($2::text[], $3::text[], $4::text[]) as w(field, value, record_id))
     delete from record_key k where k.stream_id = $1 and k.record_id = any($5) and k.field <> '${ALIAS_FIELD}'
        and (k.record_id, k.field, k.value) not in (select record_id, field, value from wanted)`,
        values: [streamId, ...wanted, arrayText(before)],
      }),
    rows.length &&
      client.query({
        name: 'save-keys',
        text: `insert into record_key (stream_id, field, value, record_id)
     select $1, * from unnest($2::text[], $3::text[], $4::text[]) on conflict do nothing`,
        values: [streamId, ...wanted],
      }),
  ])
}

/** One row per commit, not one per record: a scan of a million records would write as many rows as it reads. */
async function markSeen(client: pg.PoolClient, streamId: number, scanId: number, ids: string[]): Promise<void> {
  await client.query({
    name: 'mark-seen',
    text: 'insert into scan_page (stream_id, scan_id, record_ids) values ($1, $2, $3)',
    values: [streamId, scanId, arrayText(ids)],
  })
}

export type LogBody = {
  id: string
  seq: number
  body: string | null
  content: string | null
  deleted: boolean
  version: string | null
  observedAt: Date
  hash: string
  /** Of a record whose body was shrunk: what stands for the fields that were dropped, as JSON; null where it was erased. */
  dropped: string | null
  /** Its sealed body was altered here, and is as good as dropped. */
  altered?: true
}

/** Current state of records by id; unknown ids are absent. One whose body was altered holds up none of the others. */
export async function readBodies(pool: pg.Pool, streamId: number, ids: string[]): Promise<LogBody[]> {
  if (!ids.length) return []
  const { rows } = await pool.query<LogBody>({
    name: 'read-bodies',
    text: `select id, seq, body, content, deleted, version, observed_at as "observedAt", hash, field_hashes as dropped from record
            where stream_id = $1 and id = any($2)`,
    values: [streamId, arrayText(ids)],
  })
  return openBodies(pool, streamId, rows, (row) => Object.assign(row, { body: null, dropped: '{}', altered: true }))
}

/** Record ids by the value of a key field: value → ids. */
export async function findByKey(
  pool: pg.Pool | pg.PoolClient,
  streamId: number,
  field: string,
  values: string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  if (!values.length) return found
  const { rows } = await pool.query<{ value: string; record_id: string }>({
    name: 'find-by-key',
    text: 'select value, record_id from record_key where stream_id = $1 and field = $2 and value = any($3)',
    values: [streamId, field, arrayText(values)],
  })
  for (const row of rows) found.set(row.value, [...(found.get(row.value) ?? []), row.record_id])
  return found
}

/** So many live records of a stream, chosen by a seed: each has the same chance, and the same seed chooses the same ones. */
export async function sampleRecords(pool: pg.Pool, streamId: number, count: number, seed: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from record where stream_id = $1 and not deleted order by md5($3 || id) limit $2',
    [streamId, count, seed],
  )
  return rows.map(({ id }) => id)
}
