/** Things that are or were wrong, as people are told of them. */
import type pg from 'pg'

type Session = pg.Pool | pg.PoolClient

export type AlertSubjectRow = {
  key: string
  kind: 'problem' | 'late' | 'authorisation'
  state: 'new' | 'open' | 'over'
  /** How often it has begun. */
  round: number
  /** JSON. */
  content: string
  firstSeenAt: Date
  seenAt: Date
}

/** Those that are not over, and of `keys` also those that are. */
export async function readAlertSubjects(session: Session, keys: readonly string[]): Promise<AlertSubjectRow[]> {
  const { rows } = await session.query<AlertSubjectRow>(
    `select key, kind, state, round, content, first_seen_at as "firstSeenAt", seen_at as "seenAt"
       from alert_subject where state <> 'over' or key = any($1)`,
    [keys],
  )
  return rows
}

export async function saveAlertSubjects(session: Session, rows: readonly AlertSubjectRow[]): Promise<void> {
  if (!rows.length) return
  await session.query(
    `insert into alert_subject (key, kind, state, round, content, first_seen_at, seen_at, over_at)
     select key, kind, state, round, content, first_seen_at, seen_at, case when state = 'over' then seen_at end
       from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::timestamptz[])
         as given (key, kind, state, round, content, first_seen_at, seen_at)
     on conflict (key) do update
        set state = excluded.state, round = excluded.round, content = excluded.content, first_seen_at = excluded.first_seen_at,
            seen_at = excluded.seen_at, over_at = case when excluded.state = 'over' then coalesce(alert_subject.over_at, now()) end`,
    [
      rows.map(({ key }) => key),
      rows.map(({ kind }) => kind),
      rows.map(({ state }) => state),
      rows.map(({ round }) => round),
      rows.map(({ content }) => content),
      rows.map(({ firstSeenAt }) => firstSeenAt),
      rows.map(({ seenAt }) => seenAt),
    ],
  )
}

/** Forgets what was seen once and never told. */
export async function dropAlertSubjects(session: Session, keys: readonly string[]): Promise<void> {
  if (keys.length) await session.query('delete from alert_subject where key = any($1)', [keys])
}
