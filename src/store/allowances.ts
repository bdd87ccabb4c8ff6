/** Exceptions to the address rules, and who was refused for want of one, in the audit. */
import type pg from 'pg'
import { appendAudit, lockAudit } from './audit.ts'
import type { NewVersion } from './configuration-versions.ts'
import { withTransaction } from './transaction.ts'

type Item = { kind: string; name: string; fields: Record<string, string> }
type Cause = Pick<NewVersion, 'actor' | 'how' | 'reason'> & { id: number }

/**
 * Notes each connection whose `allow` is not what it was: which entries came, which went, with what version of the configuration. The
 * note commits with what it notes. Where files were read, nobody knows more of who wrote them than that version tells.
 */
export async function auditAllowances(
  client: pg.PoolClient,
  before: readonly Item[],
  after: readonly Item[],
  { actor, how, reason, id }: Cause,
): Promise<void> {
  const [was, is] = [allowancesOf(before), allowancesOf(after)]
  for (const name of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    const [old, now] = [was.get(name) ?? [], is.get(name) ?? []]
    const [added, removed] = [without(now, old), without(old, now)]
    if (added.length + removed.length === 0) continue
    const detail = { added, removed, allow: now, how, version: id, ...(reason ? { reason } : {}) }
    await appendAudit(client, { actor, action: 'connection.allow', subject: `connection:${name}`, detail })
  }
}

/** Notes each connection whose `allow` is not what its last note says, or that has none: entries that were in force before there were notes. */
export async function auditUnnoted(client: pg.PoolClient, items: readonly Item[], version: number): Promise<void> {
  const { rows } = await client.query<{ subject: string; detail: string }>(
    `select distinct on (subject) subject, detail from audit where action = 'connection.allow' order by subject, id desc`,
  )
  const noted = rows.map(({ subject, detail }) => ({
    kind: 'connection',
    name: subject.slice('connection:'.length),
    fields: { allow: JSON.stringify((JSON.parse(detail) as { allow: string[] }).allow) },
  }))
  await auditAllowances(client, noted, items, { actor: 'hub', how: 'start', id: version })
}

const without = (entries: readonly string[], others: readonly string[]): string[] =>
  entries.filter((entry) => !others.includes(entry))

const allowancesOf = (items: readonly Item[]): Map<string, string[]> =>
  new Map(
    items
      .filter(({ kind }) => kind === 'connection')
      .map(({ name, fields }) => [name, JSON.parse(fields.allow ?? '[]') as string[]]),
  )

/** Whoever makes a connection try address after address fills no audit. */
export const REFUSALS_AN_HOUR = 20

/** Notes that a connection was not let to an address, once an hour for the same host and port, whichever process it was. */
export function auditRefusal(
  pool: pg.Pool,
  connection: string,
  refusal: { host: string; port: number; address: string; kind: string },
): Promise<void> {
  const entry = { actor: 'hub', action: 'connection.refused', subject: `connection:${connection}`, detail: refusal }
  return withTransaction(pool, async (client) => {
    await lockAudit(client)
    const { rows } = await client.query<{ detail: string }>(
      `select detail from audit where at > now() - interval '1 hour' and action = $1 and subject = $2`,
      [entry.action, entry.subject],
    )
    const noted = rows.map(({ detail }) => JSON.parse(detail) as typeof refusal)
    if (noted.length >= REFUSALS_AN_HOUR) return
    if (noted.some(({ host, port }) => host === refusal.host && port === refusal.port)) return
    await appendAudit(client, entry)
  })
}
