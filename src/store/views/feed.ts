/** What changed in the ledger, in the order in which it was committed. Migration 0022 says how it gets there. */
import type pg from 'pg'
import { type Database, rows } from './database.ts'

/**
 * A place in the feed: everything of transactions before `xid` is behind it, and of `xid` itself the rows up to `id`.
 * The order is that of (xid, id). Written `xid-id`.
 */
export type FeedPlace = { xid: bigint; id: bigint }

type FeedRow = { place: FeedPlace; at: Date; kind: string /** JSON text. */; about: string }

/**
 * `horizon`: rows of transactions from here on may still appear, and are not among `rows`. A later look may give a lower one, which is as true.
 * `end`: the number that the next transaction of the server gets.
 */
export type FeedPart = { rows: FeedRow[]; horizon: bigint; end: bigint }

type Raw = { horizon: string; end: string; xid: string | null; id: string; at: Date; kind: string; about: string }

/**
 * Transactions under way whose rows may still appear. A server numbers those of all its databases together, and one that runs for hours in
 * another must not hold up this feed. Who may not see to which database a session belongs (`pg_read_all_stats`), and a session that
 * ended in this moment, count as ours.
 */
const HORIZON = `select coalesce(min(xid), pg_snapshot_xmax(pg_current_snapshot())) as horizon, pg_snapshot_xmax(pg_current_snapshot()) as "end"
                   from pg_snapshot_xip(pg_current_snapshot()) xid
                  where not exists (select from pg_stat_activity
                                     where backend_xid = xid::xid and datid <> (select oid from pg_database where datname = current_database()))`
const SELECT = `with complete as materialized (${HORIZON})
  select horizon::text, "end"::text, f.xid::text as xid, f.id::text as id, f.at, f.kind, f.about from complete`

/** The next rows behind a place, at most `limit`. */
export const readFeed = async (db: Database, after: FeedPlace, limit: number): Promise<FeedPart> =>
  toPart(
    await rows<Raw>(
      db,
      `${SELECT} left join lateral (
         select * from feed where (xid, id) > ($1::text::xid8, $2::bigint) and xid < horizon order by xid, id limit $3) f on true
        order by f.xid, f.id`,
      [String(after.xid), String(after.id), limit],
    ),
  )

/** The newest rows, oldest first. */
export const readFeedEnd = async (db: Database, limit: number): Promise<FeedPart> =>
  toPart(
    await rows<Raw>(
      db,
      `${SELECT} left join lateral (
         select * from feed where xid < horizon order by xid desc, id desc limit $1) f on true
        order by f.xid, f.id`,
      [limit],
    ),
  )

function toPart(found: Raw[]): FeedPart {
  const there = found.filter((row): row is Raw & { xid: string } => row.xid !== null)
  return {
    rows: there.map(({ xid, id, at, kind, about }) => ({
      place: { xid: BigInt(xid), id: BigInt(id) },
      at,
      kind,
      about,
    })),
    horizon: BigInt(found[0]!.horizon),
    end: BigInt(found[0]!.end),
  }
}

export const comparePlaces = (a: FeedPlace, b: FeedPlace): number =>
  a.xid === b.xid ? Number(a.id - b.id) : a.xid < b.xid ? -1 : 1

export const placeText = ({ xid, id }: FeedPlace): string => `${xid}-${id}`

/** Undefined for what no feed of ours gave out. */
export function parsePlace(text: string): FeedPlace | undefined {
  const [, xid, id] = /^(\d{1,19})-(\d{1,18})$/.exec(text) ?? []
  return xid === undefined ? undefined : { xid: BigInt(xid), id: BigInt(id!) }
}

const KEPT_MINUTES = 15
const BATCH = 10_000

/**
 * Forgets what no page will ask for any more: one that was away for longer reads everything anew. The newest of the old rows stays, so that
 * who stands behind it is known to have missed nothing.
 */
export async function trimFeed(pool: pg.Pool): Promise<number> {
  let trimmed = 0
  for (;;) {
    const { rowCount } = await pool.query(
      `delete from feed where (xid, id) in (
         select xid, id from (select xid, id, at, lead(at) over (order by xid, id) as next_at
                                from feed order by xid, id limit $1) oldest
          where at < now() - make_interval(mins => $2) and next_at < now() - make_interval(mins => $2))`,
      [BATCH, KEPT_MINUTES],
    )
    trimmed += rowCount ?? 0
    if ((rowCount ?? 0) < BATCH - 1) return trimmed
  }
}
