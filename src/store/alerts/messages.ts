/** What is to be told, by route, and how far that got. */
import type pg from 'pg'

type Session = pg.Pool | pg.PoolClient

type AlertChange = 'opened' | 'reopened' | 'recovered' | 'digest'

export type NewAlertMessage = {
  /** Stable: the same for the same event and route, whoever makes it. */
  id: string
  route: string
  subjectKey: string
  round: number
  change: AlertChange
  /** JSON. */
  content: string
}

export type AlertMessageRow = {
  id: string
  change: AlertChange
  content: string
  attempts: number
  firstTriedAt: Date | null
  createdAt: Date
}

const COLUMNS = `id, change, content, attempts, first_tried_at as "firstTriedAt", created_at as "createdAt"`
const KEEP_DAYS = { messages: 7, subjects: 30, unknownRoutes: 1 }

export async function addAlertMessages(session: Session, messages: readonly NewAlertMessage[]): Promise<void> {
  if (!messages.length) return
  await session.query(
    `insert into alert_message (id, route, subject_key, round, change, content)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[]) on conflict (id) do nothing`,
    [
      messages.map(({ id }) => id),
      messages.map(({ route }) => route),
      messages.map(({ subjectKey }) => subjectKey),
      messages.map(({ round }) => round),
      messages.map(({ change }) => change),
      messages.map(({ content }) => content),
    ],
  )
}

/**
 * Routes that were told, or may have been told, that a subject began, and so are due word of its end. What nobody was told of yet is
 * cancelled here: it is over.
 */
export async function routesTold(session: Session, subjectKey: string, round: number): Promise<string[]> {
  await session.query(
    `update alert_message set state = 'cancelled', ended_at = now()
      where subject_key = $1 and round = $2 and state = 'waiting' and attempts = 0 and change <> 'recovered'`,
    [subjectKey, round],
  )
  const { rows } = await session.query<{ route: string }>(
    `select route from alert_message
      where subject_key = $1 and round = $2 and change <> 'recovered' and state in ('waiting', 'sent', 'folded') order by route`,
    [subjectKey, round],
  )
  return rows.map(({ route }) => route)
}

/** Of these subjects, the routes that have a message of how its present round began, whatever became of it. */
export async function routesAddressed(
  session: Session,
  subjectKeys: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows } = await session.query<{ key: string; routes: string[] }>(
    `select s.key, array_agg(distinct m.route) as routes
       from alert_subject s join alert_message m on m.subject_key = s.key and m.round = s.round and m.change <> 'recovered'
      where s.key = any($1) and s.state = 'open' group by s.key`,
    [subjectKeys],
  )
  return new Map(rows.map(({ key, routes }) => [key, routes]))
}

/** Snoozed ones wait. What is told of one thing is told in order, also where a digest tells the earlier part. */
const DUE = `
  m.state = 'waiting' and m.route = $1 and m.next_at <= now()
  and not exists (select from alert_snooze s
                   where s.until > now() and s.scope in ('route:' || m.route, 'subject:' || m.subject_key))
  and not exists (select from alert_message e
                   where e.state = 'waiting' and e.route = m.route and e.subject_key = m.subject_key and e.seq < m.seq)
  and not exists (select from alert_message f join alert_message d on d.id = f.folded_into
                   where f.subject_key = m.subject_key and f.route = m.route and f.state = 'folded' and d.state = 'waiting')`

/** Messages of a route that may go now, the oldest first. */
export async function dueAlertMessages(session: Session, route: string, limit: number): Promise<AlertMessageRow[]> {
  const { rows } = await session.query<AlertMessageRow>(
    `select ${COLUMNS} from alert_message m where ${DUE} order by m.seq limit $2`,
    [route, limit],
  )
  return rows
}

/** Puts many messages that nobody was sent yet into one. */
export async function foldAlertMessages(
  client: pg.PoolClient,
  route: string,
  digest: { id: string; content: string },
  ids: readonly string[],
): Promise<void> {
  await client.query(
    `update alert_message set state = 'folded', folded_into = $2, ended_at = now()
      where id = any($1) and state = 'waiting' and attempts = 0`,
    [ids, digest.id],
  )
  await client.query(
    `insert into alert_message (id, route, change, content) values ($1, $2, 'digest', $3) on conflict (id) do nothing`,
    [digest.id, route, digest.content],
  )
}

/** Stands before the attempt: whoever is killed in it has tried, and the next one comes `inMs` later. */
export async function noteAlertAttempt(session: Session, id: string, inMs: number): Promise<void> {
  await session.query(
    `update alert_message set attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()),
            next_at = now() + $2 * interval '1 ms' where id = $1`,
    [id, inMs],
  )
}

/**
 * What is given up was told to nobody, nor was what it had folded: its end is not told then either.
 */
export async function endAlertMessage(
  session: Session,
  id: string,
  outcome: { state: 'sent' | 'given_up' | 'waiting'; error: object | null },
): Promise<void> {
  await session.query(
    `with told as (update alert_message set state = 'given_up' where $2 = 'given_up' and state = 'folded' and folded_into = $1 returning *),
          lost as (select * from told union all select * from alert_message where $2 = 'given_up' and id = $1),
          cancelled as (update alert_message m set state = 'cancelled', ended_at = now() from lost l
                         where m.state = 'waiting' and m.change = 'recovered' and l.change <> 'recovered'
                           and (m.route, m.subject_key, m.round) = (l.route, l.subject_key, l.round))
     update alert_message set state = $2, error = $3, ended_at = case when $2 <> 'waiting' then now() end
      where id = $1 and state = 'waiting'`,
    [id, outcome.state, outcome.error && JSON.stringify(outcome.error)],
  )
}

/**
 * Messages of routes that no file defines any more go nowhere; old ones are forgotten, and with them what is long over. A route may be new
 * and known to other processes only, so its messages get a day. What still lasts keeps its messages: they say who is due word of its end.
 */
export async function tidyAlerts(session: Session, routes: readonly string[]): Promise<void> {
  await session.query(
    `update alert_message set state = 'cancelled', ended_at = now() where state = 'waiting' and route <> all($1) and created_at < now() - $2 * interval '1 day'`,
    [routes, KEEP_DAYS.unknownRoutes],
  )
  await session.query(
    `delete from alert_message m where state <> 'waiting' and ended_at < now() - $1 * interval '1 day'
        and not exists (select from alert_subject s where s.key = m.subject_key and s.round = m.round and s.state <> 'over')`,
    [KEEP_DAYS.messages],
  )
  await session.query(`delete from alert_subject where state = 'over' and over_at < now() - $1 * interval '1 day'`, [
    KEEP_DAYS.subjects,
  ])
  await session.query('delete from alert_snooze where until < now()')
}
