import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'

export type AuditView = {
  id: number
  at: Date
  actor: string
  action: string
  subject: string
  detail: Record<string, unknown>
  /** Of this row and all before it. */
  hash: string
}

export type AuditFilter = {
  actor?: string
  action?: string
  subject?: string
  id?: number
  since?: string
  until?: string
  cursor?: string
  limit: number
}

/** What people and programs did, newest first. */
export async function listAudit(db: Database, filter: AuditFilter): Promise<Page<AuditView>> {
  const where = new Conditions()
    .add('actor = ?', filter.actor)
    .add('action = ?', filter.action)
    .add('subject = ?', filter.subject)
    .add('id = ?', filter.id)
    .add('at >= ?', filter.since)
    .add('at < ?', filter.until)
    .add('id < ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Omit<AuditView, 'detail'> & { detail: string }>(
    db,
    `select id, at, actor, action, subject, detail, hash from audit ${where.where} order by id desc limit ${limit}`,
    where.values,
  )
  const items = found.map((row): AuditView => ({ ...row, detail: JSON.parse(row.detail) as AuditView['detail'] }))
  return toPage(items, filter.limit, (item) => item.id)
}

/** Whether a row has this hash: one that was there once and is not any more was taken off. */
export async function hasAuditHash(db: Database, hash: string): Promise<boolean> {
  return (await rows(db, 'select 1 from audit where hash = $1', [hash])).length > 0
}
