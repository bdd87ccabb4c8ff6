import { createHash } from 'node:crypto'
import type pg from 'pg'
import { withTransaction } from './transaction.ts'

export type AuditEntry = {
  /** Who: a token's name, `cli`, `hub`. */
  actor: string
  /** What: `connection.pause`, `secret.put` … */
  action: string
  /** On what: `connection:crm`. */
  subject: string
  /** Particulars; never a secret. */
  detail: Record<string, unknown>
}

export type AuditCheck = { rows: number; head: string } & (
  | { ok: true }
  | { ok: false; brokenAt: number; reason: string }
)

type AuditRow = {
  id: number
  at: Date
  actor: string
  action: string
  subject: string
  detail: string
  previous_hash: string
  hash: string
}

// Appends wait for each other, or two would follow the same row. Held until the transaction ends.
const LOCK = 0x43_53_58
const BATCH_ROWS = 1_000
/** What the first row follows. */
const GENESIS = '0'.repeat(64)

/**
 * Notes what somebody did, chained to the row before. Given a session inside a transaction, the note commits with the deed,
 * or neither does.
 */
export async function appendAudit(session: pg.Pool | pg.PoolClient, entry: AuditEntry): Promise<void> {
  if (!('release' in session)) return withTransaction(session, (client) => appendAudit(client, entry))
  await lockAudit(session)
  const { rows } = await session.query<{ hash: string }>('select hash from audit order by id desc limit 1')
  const previous = rows[0]?.hash ?? GENESIS
  // Taken here and in milliseconds, because the hash covers it as JavaScript reads it back.
  const row = { ...entry, at: new Date(), detail: JSON.stringify(entry.detail) }
  await session.query(
    'insert into audit (at, actor, action, subject, detail, previous_hash, hash) values ($1, $2, $3, $4, $5, $6, $7)',
    [row.at, row.actor, row.action, row.subject, row.detail, previous, hashOf(previous, row)],
  )
}

/** Nobody else notes anything until this transaction ends. */
export const lockAudit = (client: pg.PoolClient): Promise<unknown> =>
  client.query('select pg_advisory_xact_lock($1)', [LOCK])

/**
 * Follows the chain from the first row. A changed, inserted or removed row shows at once; rows taken off the end show only
 * against a `head` noted elsewhere earlier, which is why it is returned.
 */
export async function verifyAudit(pool: Pick<pg.Pool, 'query'>, batchRows = BATCH_ROWS): Promise<AuditCheck> {
  let previous = GENESIS
  let rows = 0
  for (let after = 0; ; ) {
    const batch = await pool.query<AuditRow>('select * from audit where id > $1 order by id limit $2', [
      after,
      batchRows,
    ])
    for (const row of batch.rows) {
      const reason = faultOf(row, previous)
      if (reason) return { ok: false, rows, head: previous, brokenAt: row.id, reason }
      previous = row.hash
      after = row.id
      rows++
    }
    if (batch.rows.length < batchRows) return { ok: true, rows, head: previous }
  }
}

function faultOf(row: AuditRow, previous: string): string | undefined {
  if (row.previous_hash !== previous) return 'a row before it was removed or inserted'
  if (row.hash !== hashOf(previous, row)) return 'it was changed after it was written'
  return undefined
}

const hashOf = (previous: string, row: Omit<AuditRow, 'id' | 'hash' | 'previous_hash'>): string =>
  createHash('sha256')
    .update(JSON.stringify([previous, row.at.toISOString(), row.actor, row.action, row.subject, row.detail]))
    .digest('hex')
