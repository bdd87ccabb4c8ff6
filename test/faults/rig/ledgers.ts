import type pg from 'pg'
import { type Answer, isAcknowledged } from './sender.ts'
import type { SourceStub } from './source.ts'
import type { TargetStub } from './target.ts'

/** What the four ledgers say of each other. Everything must be 0. */
export type Ledgers = {
  /** Acknowledged or readable, and neither in the target nor dead with a reason. */
  lost: number
  /** Creates beyond the first of one record. */
  duplicate: number
  /** Records whose target is older than their newest version, and writes that went back in time. */
  stale: number
  /** Positions of syncs that are ahead of what was delivered. */
  cursorLead: number
  /** Target records without a link, and links without a target record. */
  orphan: number
  /** Work or write locks left over, runs that never end. */
  unsettled: number
  examples: string[]
}

export type Compared = {
  pool: pg.Pool
  target: TargetStub
  /** What the sender was told, where events were sent. */
  answers?: readonly Answer[]
  /** What a pull had to bring, where the source was read. */
  source?: SourceStub
  /** The key in the target of a record id; the id itself without it. */
  keyOf?: (id: string) => string
}

/** Compares the sender's answers, inbox and outcomes, the target's journal, links and positions. */
export async function compareLedgers(compared: Compared): Promise<Ledgers> {
  const { pool, target } = compared
  const examples: string[] = []
  const say = (kind: string, items: string[]): number => {
    if (items.length) examples.push(`${kind}: ${items.slice(0, 3).join(', ')}`)
    return items.length
  }
  const newest = newestRevisions(compared)
  const explained = await deadRecords(pool)
  const byKey = new Map([...target.customers.values()].map((row) => [row.external_id, row]))
  const missing: string[] = []
  const behind: string[] = []
  for (const [id, rev] of newest) {
    if (explained.has(id)) continue
    const row = byKey.get(compared.keyOf?.(id) ?? id)
    if (!row) missing.push(id)
    else if (row.rev < rev) behind.push(`${id} is ${row.rev}, should be ${rev}`)
  }
  return {
    lost: say('lost', [...missing, ...(await withoutRow(compared)), ...(await withoutReason(pool))]),
    duplicate: say('duplicate', duplicates(target)),
    stale: say('stale', [...behind, ...wentBack(target)]),
    cursorLead: say('cursor lead', await positionsAhead(pool)),
    orphan: say('orphan', await orphans(pool, target)),
    unsettled: say('unsettled', await leftOver(pool)),
    examples,
  }
}

function newestRevisions({ answers = [], source }: Compared): Map<string, number> {
  const newest = new Map<string, number>()
  const learn = ({ id, rev }: { id: string; rev: number }): void => {
    if (rev > (newest.get(id) ?? 0)) newest.set(id, rev)
  }
  for (const answer of answers) if (isAcknowledged(answer)) learn(answer.contact)
  for (const contact of source?.contacts.values() ?? []) learn(contact)
  return newest
}

/** Records and events that ended as dead with a reason: not lost, but told to a person. */
async function deadRecords(pool: pg.Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ record_id: string }>(
    `select record_id from delivery where state = 'dead' and error is not null`,
  )
  return new Set(rows.map((row) => row.record_id))
}

/** Acknowledged events that the inbox does not have. */
async function withoutRow({ pool, answers = [] }: Compared): Promise<string[]> {
  const { rows } = await pool.query<{ event_id: string }>('select event_id from inbox')
  const known = new Set(rows.map((row) => row.event_id))
  return answers.filter((answer) => isAcknowledged(answer) && !known.has(answer.eventId)).map(({ eventId }) => eventId)
}

async function withoutReason(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ event_id: string }>(
    `select event_id from inbox where state in ('done', 'skipped', 'dead') and reason is null`,
  )
  return rows.map(({ event_id }) => `${event_id} ended without a reason`)
}

function duplicates({ journal }: TargetStub): string[] {
  const seen = new Set<string>()
  const twice: string[] = []
  for (const { operation, externalId } of journal.effects) {
    if (operation !== 'create') continue
    if (seen.has(externalId)) twice.push(externalId)
    seen.add(externalId)
  }
  return twice
}

function wentBack({ journal }: TargetStub): string[] {
  const last = new Map<string, number>()
  const back: string[] = []
  for (const { id, rev, externalId } of journal.effects) {
    if (rev < (last.get(id) ?? 0)) back.push(`${externalId} went from ${last.get(id)} to ${rev}`)
    last.set(id, Math.max(rev, last.get(id) ?? 0))
  }
  return back
}

/** May be asked at any moment: a position passes a record only together with its delivery. */
export async function positionsAhead(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ record: string }>(
    `select y.name || ' ' || r.id as record from record r
       join sync y on y.from_stream = r.stream_id
       join sync_position p on p.sync_id = y.id and p.stream_id = r.stream_id and p.slice = r.slice
      where r.seq <= p.seq and not exists (select 1 from delivery d
              where d.sync_id = y.id and d.record_id = r.id and d.source_seq >= r.seq)`,
  )
  return rows.map((row) => row.record)
}

async function orphans(pool: pg.Pool, { customers }: TargetStub): Promise<string[]> {
  const { rows } = await pool.query<{ record_id: string }>(
    'select distinct l.record_id from link l where l.stream_id in (select to_stream from sync)',
  )
  const linked = new Set(rows.map((row) => row.record_id))
  return [
    ...[...customers.keys()].filter((id) => !linked.has(id)).map((id) => `${id} has no link`),
    ...[...linked].filter((id) => !customers.has(id)).map((id) => `the link to ${id} leads nowhere`),
  ]
}

async function leftOver(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ what: string }>(
    `select 'intent of ' || record_id as what from intent
     union all select 'delivery ' || record_id || ' ' || state from delivery where state in ('pending', 'in_doubt', 'parked')
     union all select 'event ' || event_id from inbox where state = 'pending'
     union all select 'run ' || id from run where outcome = 'running' and heartbeat_at < now() - interval '60 s'`,
  )
  return rows.map((row) => row.what)
}

export type Backlog = { events: number; pulls: number; pushes: number; due: number; intents: number }

/** What is still to do; all 0 when the hub has caught up. What a person is asked about is looked at again later, and is done. */
export async function backlogOf(pool: pg.Pool): Promise<Backlog> {
  const { rows } = await pool.query<Backlog>(
    `select (select count(*)::int from inbox where state = 'pending') as events,
            (select count(*)::int from stream where pull_mode is not null or pull_due_at is not null) as pulls,
            (select count(*)::int from sync y join stream s on s.id = y.from_stream
              where s.seq > 0 and (select count(*) from sync_position p
                                    where p.sync_id = y.id and p.stream_id = s.id and p.seq >= s.seq) < 64) as pushes,
            (select count(*)::int from delivery where next_attempt_at is not null
                and (state not in ('delivered', 'unchanged') or next_attempt_at <= now())) as due,
            (select count(*)::int from intent) as intents`,
  )
  return rows[0]!
}
