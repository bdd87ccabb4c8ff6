/** What must be found nowhere it does not belong, whatever a row broke: the secrets of the rig, and a person. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { CANARY_PERSON, wordsIn } from '../../canary-words.ts'

/** Stands in every record that the rig gives to a hub, by all its fields. */
const PERSON = Object.values(CANARY_PERSON)

/** Tables that are there to keep what records say, and what was sent and answered about them. */
const OF_RECORDS = ['record', 'delivery', 'inbox', 'journal', 'dead_letter', 'intent', 'correction', 'conflict']

export type Places = {
  pool: pg.Pool
  /** Values that nobody may find anywhere, as they are spelled. */
  secrets: readonly string[]
  /** Everything the processes of the hub wrote. */
  logs: () => string
  /** Files of the queue: what it did and holds. */
  queueFolder?: string
  /** Asks the API of the hub, where one answers; null where not. */
  ask: (path: string) => Promise<string | null>
}

/** Where each canary is that should not be there. */
export async function canariesIn(places: Places): Promise<string[]> {
  const { secrets } = places
  const found: string[] = []
  const look = (place: string, text: string, canaries: readonly string[]): void => {
    for (const canary of wordsIn(text, canaries)) found.push(`${canary.slice(0, 14)}… is in ${place}`)
  }
  for (const file of places.queueFolder ? await readdir(places.queueFolder, { recursive: true }) : []) {
    const bytes = await readFile(join(places.queueFolder!, file), 'latin1').catch(() => '')
    look(`the queue (${file})`, bytes, [...secrets, ...PERSON])
  }
  for (const path of OF_THE_HUB) look(path, (await places.ask(path)) ?? '', [...secrets, ...PERSON])
  for (const path of OF_PEOPLE) look(path, (await places.ask(path)) ?? '', secrets)
  // Last, for asking leaves its traces too.
  look('the logs', places.logs(), [...secrets, ...PERSON])
  return [...found, ...(await inTables(places.pool, secrets.flatMap(spellings)))]
}

/** What the page shows of the hub itself, and of records: there a person is who is in them. */
const OF_THE_HUB = [
  '/metrics',
  ...api(
    ...['audit', 'timeline', 'runs', 'connections', 'syncs', 'queues', 'settings', 'system', 'support', 'workers'],
    ...['alerts', 'alerts/messages', 'drifts', 'activity', 'subscriptions', 'webhook-intake', 'configuration/versions'],
  ),
]
const OF_PEOPLE = api('problems', 'dead-letters', 'events', 'records?q=c1', 'streams', 'configuration')

function api(...paths: string[]): string[] {
  return paths.map((path) => `/api/v1/${path}`)
}

const hex = (text: string): string => Buffer.from(text).toString('hex')

/** As text shows it, and as it shows bytes; base64 as in a header of basic credentials would be another value. */
const spellings = (secret: string): string[] => [secret, hex(secret)]

/** Every table of the database as a dump has it, also those of the queue. */
async function inTables(pool: pg.Pool, secrets: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; place: string; family: string }>(
    `select c.relname as name, format('%I.%I', n.nspname, c.relname) as place,
            coalesce((select p.relname from pg_inherits i join pg_class p on p.oid = i.inhparent where i.inhrelid = c.oid), c.relname) as family
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`,
  )
  const found: string[] = []
  for (const { place, family } of rows) {
    const canaries = OF_RECORDS.includes(family) ? secrets : [...secrets, ...PERSON.flatMap(spellings)]
    const hits = await pool.query<{ canary: string; rows: number }>(
      `select canary, count(*)::int as rows from unnest($1::text[]) canary
         join ${place} t on strpos(t::text, canary) > 0 group by canary`,
      [canaries],
    )
    for (const { canary, rows: n } of hits.rows) found.push(`${canary.slice(0, 14)}… is in ${n} rows of ${place}`)
  }
  return found
}
