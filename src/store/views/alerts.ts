import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

export const ALERT_STATES = ['waiting', 'sent', 'given_up', 'cancelled', 'folded'] as const

export type AlertSnoozeView = { until: Date; actor: string; reason: string | null }
export type AlertRouteState = {
  route: string
  waiting: number
  lastSentAt: Date | null
  /** Of the oldest message that waits. */
  lastError: Verbatim | null
}
export type AlertSubjectView = {
  key: string
  kind: 'problem' | 'late' | 'authorisation'
  round: number
  since: Date
  content: Verbatim | null
  snooze: AlertSnoozeView | null
}
export type AlertMessageView = {
  id: string
  route: string
  change: 'opened' | 'reopened' | 'recovered' | 'digest'
  state: (typeof ALERT_STATES)[number]
  attempts: number
  createdAt: Date
  /** When it is tried again; null once it has ended. */
  nextAt: Date | null
  endedAt: Date | null
  content: Verbatim | null
  error: Verbatim | null
}

/** How far each route is. */
export async function alertRouteStates(db: Database): Promise<AlertRouteState[]> {
  const found = await rows<Omit<AlertRouteState, 'lastError'> & { lastError: string | null }>(
    db,
    `select route, (count(*) filter (where state = 'waiting'))::int as waiting,
            max(ended_at) filter (where state = 'sent') as "lastSentAt",
            (array_agg(error order by seq) filter (where state = 'waiting' and error is not null))[1] as "lastError"
       from alert_message group by route order by route`,
  )
  return found.map((row) => ({ ...row, lastError: verbatimError(row.lastError) }))
}

/** Snoozes that last, by scope: `route:NAME`, `subject:KEY`. */
export async function alertSnoozes(db: Database): Promise<Map<string, AlertSnoozeView>> {
  const found = await rows<AlertSnoozeView & { scope: string }>(
    db,
    'select scope, until, actor, reason from alert_snooze where until > now() order by scope',
  )
  return new Map(found.map(({ scope, ...snooze }) => [scope, snooze]))
}

/** What is wrong now and was told or will be, the newest first. */
export async function openAlerts(db: Database, limit: number): Promise<AlertSubjectView[]> {
  const snoozes = await alertSnoozes(db)
  const found = await rows<Omit<AlertSubjectView, 'content' | 'snooze'> & { content: string }>(
    db,
    `select key, kind, round, first_seen_at as since, content from alert_subject where state = 'open'
      order by first_seen_at desc, key limit $1`,
    [limit],
  )
  return found.map((row) => ({
    ...row,
    content: verbatim(row.content),
    snooze: snoozes.get(`subject:${row.key}`) ?? null,
  }))
}

type MessageRow = Omit<AlertMessageView, 'content' | 'error'> & { seq: number; content: string; error: string | null }

/** Messages, newest first. */
export async function listAlertMessages(
  db: Database,
  filter: { route?: string; state?: string; cursor?: string; limit: number },
): Promise<Page<AlertMessageView>> {
  const where = new Conditions()
    .add('route = ?', filter.route)
    .add('state = ?', filter.state)
    .add('seq < ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<MessageRow>(
    db,
    `select seq, id, route, change, state, attempts, created_at as "createdAt",
            case when state = 'waiting' then next_at end as "nextAt", ended_at as "endedAt", content, error
       from alert_message ${where.where} order by seq desc limit ${limit}`,
    where.values,
  )
  const page = toPage(found, filter.limit, (item) => item.seq)
  return {
    ...page,
    items: page.items.map(({ seq: _seq, content, error, ...message }) => ({
      ...message,
      content: verbatim(content),
      error: verbatimError(error),
    })),
  }
}

/** Connections that stand still until somebody gives them a credential. */
export const connectionsToAuthorise = (db: Database): Promise<{ name: string; since: Date }[]> =>
  rows(db, `select name, state_since as since from connection where state = 'needs_authorisation' order by name`)

/**
 * What explains why a timetable stands still, and what does not. `resting`: streams of connections that are not at work, or were asked to
 * wait. `asked`: streams whose pull could begin and did not, with since when; none of those that are pulled right now.
 */
export async function idleStreams(
  db: Database,
): Promise<{ resting: ReadonlySet<number>; asked: ReadonlyMap<number, Date>; pausedSyncs: ReadonlySet<string> }> {
  const streams = await rows<{ id: number; resting: boolean; asked: Date | null }>(
    db,
    // Counted from when it was let: what rested, or whose worker died, a minute ago has waited for a minute.
    `select s.id, c.state <> 'active' or coalesce(c.wait_until > now(), false) as resting,
            case when s.pull_mode is not null and not s.pull_begun and s.last_error is null
                      and coalesce(l.expires_at <= now(), true) and coalesce(s.next_pull_at <= now(), true)
                 then greatest(s.pull_asked_at, s.next_pull_at, c.wait_until, c.state_since, l.expires_at) end as asked
       from stream s
       join connection c on c.id = s.connection_id
       left join lease l on l.name = 'pull:' || s.id`,
  )
  const paused = await rows<{ name: string }>(db, `select name from sync where state <> 'active'`)
  return {
    resting: new Set(streams.filter(({ resting }) => resting).map(({ id }) => id)),
    asked: new Map(streams.flatMap(({ id, asked, resting }) => (asked && !resting ? [[id, asked]] : []))),
    pausedSyncs: new Set(paused.map(({ name }) => name)),
  }
}

export const isOpenAlert = async (db: Database, key: string): Promise<boolean> =>
  (await rows(db, `select from alert_subject where key = $1 and state <> 'over'`, [key])).length > 0
