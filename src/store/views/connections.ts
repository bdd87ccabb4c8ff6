import { type Database, rows } from './database.ts'
import { countMany } from './many-counts.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'

export type ConnectionView = {
  name: string
  connector: string
  state: 'active' | 'paused' | 'needs_authorisation' | 'removed'
  stateReason: string | null
  stateSince: Date
  /** The other side asked us to wait until then; null when it did not, or the time is over. */
  waitUntil: Date | null
  waitReason: string | null
  /** `closed`: calls go. `open`: nothing is sent until `breakerUntil`. `half-open`: one call tries whether the system is back. */
  breaker: 'closed' | 'open' | 'half-open'
  breakerUntil: Date | null
  breakerReason: string | null
  maxPerSecond: number | null
  streams: number
  lastPullSuccessAt: Date | null
  lastPushSuccessAt: Date | null
  openDeadLetters: number
}

type Row = Omit<ConnectionView, 'openDeadLetters'> & { id: number }

const SELECT = `
select c.id, c.name, c.connector, c.state, c.state_reason as "stateReason", c.state_since as "stateSince",
       case when c.wait_until > now() then c.wait_until else q.until end as "waitUntil",
       case when c.wait_until > now() then c.wait_reason else q.reason end as "waitReason",
       case when coalesce(b.opened, 0) = 0 then 'closed' when b.until > now() then 'open' else 'half-open' end as breaker,
       case when b.opened > 0 then b.until end as "breakerUntil", case when b.opened > 0 then b.reason end as "breakerReason",
       c.max_per_second as "maxPerSecond",
       (select count(*)::int from stream s where s.connection_id = c.id) as streams,
       (select max(s.last_success_at) from stream s where s.connection_id = c.id) as "lastPullSuccessAt",
       (select max(y.last_success_at) from sync y join stream t on t.id = y.to_stream where t.connection_id = c.id)
         as "lastPushSuccessAt"
  from connection c
  -- What the processes were told and the work has not run into yet.
  left join lateral (
    select to_timestamp((state::json #>> '{stop,until}')::double precision / 1000) as until, state::json #>> '{stop,reason}' as reason
      from quota where key = 'c:' || c.name and state <> ''
       and (state::json #>> '{stop,until}')::double precision / 1000 > extract(epoch from now())) q on true
  left join lateral (
    select (state::json #>> '{breaker,opened}')::int as opened, state::json #>> '{breaker,reason}' as reason,
           to_timestamp((state::json #>> '{breaker,until}')::double precision / 1000) as until
      from quota where key = 'c:' || c.name and state <> '') b on true`

const OPEN_LETTERS = `
select s.connection_id as id, sum(d.open)::int as count
  from (select sync_id, stream_id, count(*) as open from dead_letter where state = 'open' group by 1, 2) d
  left join sync y on y.id = d.sync_id
  join stream s on s.id = coalesce(y.to_stream, d.stream_id)
 group by s.connection_id`

async function withLetters(db: Database, found: Row[]): Promise<ConnectionView[]> {
  const letters = await countMany<{ id: number; count: number }>(db, OPEN_LETTERS, [])
  const open = new Map(letters.map(({ id, count }) => [id, count]))
  return found.map(({ id, ...connection }) => ({ ...connection, openDeadLetters: open.get(id) ?? 0 }))
}

export type ConnectionFilter = { connector?: string; state?: string; cursor?: string; limit: number }

/** Connections by name. Removed ones are left out unless asked for by state. */
export async function listConnections(db: Database, filter: ConnectionFilter): Promise<Page<ConnectionView>> {
  const where = new Conditions()
    .add('c.connector = ?', filter.connector)
    .add('c.state = ?', filter.state)
    .add('c.name > ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'string'))
  if (filter.state === undefined) where.always(`c.state <> 'removed'`)
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(db, `${SELECT} ${where.where} order by c.name limit ${limit}`, where.values)
  return toPage(await withLetters(db, found), filter.limit, (item) => item.name)
}

/** True when there is such a connection. */
export async function isConnection(db: Database, name: string): Promise<boolean> {
  return (await rows(db, 'select 1 from connection where name = $1', [name])).length > 0
}

export async function showConnection(db: Database, name: string): Promise<ConnectionView | undefined> {
  const [found] = await withLetters(db, await rows<Row>(db, `${SELECT} where c.name = $1`, [name]))
  return found
}
