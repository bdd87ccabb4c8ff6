import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import type { Selection } from './selection.ts'

export const EVENT_STATES = ['pending', 'done', 'skipped', 'dead'] as const

export type EventView = {
  id: number
  connection: string
  stream: string | null
  eventId: string
  receivedAt: Date
  state: (typeof EVENT_STATES)[number]
  reason: string | null
  attempts: number
  bytes: number
}

export type EventFilter = {
  connection?: string
  stream?: string
  state?: string
  since?: string
  until?: string
}

const conditions = (filter: EventFilter): Conditions =>
  new Conditions()
    .add('c.name = ?', filter.connection)
    .add('i.stream = ?', filter.stream)
    .add('i.state = ?', filter.state)
    .add('i.received_at >= ?', filter.since)
    .add('i.received_at < ?', filter.until)

/** Webhook events, newest first. Bodies are not shown: they may hold anything. */
export async function listEvents(
  db: Database,
  filter: EventFilter & { cursor?: string; limit: number },
): Promise<Page<EventView>> {
  const where = conditions(filter).add(
    'i.id < ?',
    filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'),
  )
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<EventView>(
    db,
    `select i.id, c.name as connection, i.stream, i.event_id as "eventId", i.received_at as "receivedAt", i.state, i.reason,
            i.attempts, length(i.body) as bytes
       from inbox i join connection c on c.id = i.connection_id ${where.where} order by i.id desc limit ${limit}`,
    where.values,
  )
  return toPage(found, filter.limit, (item) => item.id)
}

/** Settled events of a filter, for a bulk action. */
export function settledEvents(filter: EventFilter): Selection {
  const where = conditions(filter).always(`i.state <> 'pending'`)
  return {
    text: `select i.id, i.state as code, '' as mark from inbox i join connection c on c.id = i.connection_id ${where.where}`,
    values: where.values,
  }
}
