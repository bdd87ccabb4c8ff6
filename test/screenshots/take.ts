/** Pictures of every page of a lively hub: light and dark, broad and narrow. Into CAUSEWAY_SCREENSHOTS, or a folder beside this file. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { appendAudit } from '../../src/store/index.ts'
import { openQueueOf } from '../http/queue-hub.ts'
import { type Site, startSite } from '../ui/browser.ts'
import { addBacklog, fillHub, keepVersions, type Lively } from '../ui/lively-hub.ts'
import { openPeople } from '../ui/people-site.ts'
import { openPlayground } from '../ui/playground-site.ts'

const FOLDER = process.env.CAUSEWAY_SCREENSHOTS ?? join(import.meta.dirname, '../../.screenshots')

/** Each page with a word that stands there when its data has come, and is scrolled to where it stands far down. */
const pages: [name: string, path: (ids: Lively) => string, word: string, far?: true][] = [
  ['home', () => '/', 'Waiting, late or stopped'],
  ['landscape', () => '/landscape', 'The last 24 hours'],
  ['syncs', () => '/syncs', 'files-to-docs'],
  ['sync', () => '/sync?name=contacts-to-erp', 'erp:customers'],
  ['plots', () => '/sync?name=contacts-to-erp', 'Hour by hour', true],
  ['runs', () => '/runs', 'created'],
  ['run', ({ failedRun }) => `/run?id=${failedRun}`, 'crm.example.org'],
  ['queues', () => '/queues', 'nobody works'],
  ['dead-letters', () => '/dead-letters', 'vat-2'],
  ['dead-letter', ({ deadLetters }) => `/dead-letter?id=${deadLetters[0]}`, 'vat_number'],
  ['records', () => '/records?key=c1', 'present'],
  ['connectors', () => '/connectors', 'Demo CRM'],
  ['record', () => '/record?stream=crm:contacts&id=c1', 'First seen'],
  ['conflicts', () => '/conflicts', 'contacts-to-erp'],
  ['webhooks', () => '/webhooks', 'first'],
  ['connections', () => '/connections', 'revoked'],
  ['connection', () => '/connection?name=helpdesk', 'demo-helpdesk'],
  ['connector', () => '/connector?name=demo-crm', 'tombstones'],
  ['audit', () => '/audit', 'Who did what'],
  ['changes', () => '/changes', 'Net prices from today'],
  ['version', () => `/version?id=${former + 1}`, 'net_price'],
  ['timeline', () => '/timeline', 'sync.pause'],
  ['settings', () => '/settings', 'journal_days'],
  ['system', () => '/system', 'What must work'],
  ['docs', () => '/docs?search=runs', 'Runs, newest first'],
]

let site: Site
let ids: Lively
let former: number
beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true })
  site = await startSite()
  const { pool } = site.hub
  ids = await fillHub(pool, ({ sync }) => addDay(pool, sync))
  former = await keepVersions(pool)
  await addBacklog(site.hub.pool, ids, 5)
  for (const [action, subject] of [
    ['configuration.apply', 'configuration'],
    ['connection.login', 'connection:crm'],
    ['sync.pause', 'sync:contacts-to-erp'],
  ] as const)
    await appendAudit(site.hub.pool, { actor: 'user:ada', action, subject, detail: {} })
  await site.hub.post('/api/v1/users', { name: 'ada', role: 'operator', password: 'a long enough password' })
  await site.hub.post('/api/v1/tokens', { name: 'ci', role: 'operator', scopes: ['hub:read', 'syncs:operate'] })
  await site.hub.pool.query(
    `insert into conflict (sync_id, from_id, to_id, field, side, base, from_value, to_value)
     values ($1, 'c1', '4711', 'phone', 'to', '"+48 11"', '"+48 22"', '"+48 33"')`,
    [ids.sync],
  )
  for (const [eventId, signature] of [
    ['first', 'valid'],
    ['second', 'valid'],
    ['forged', 'wrong'],
  ] as const)
    await fetch(`${site.hub.url}/hooks/crm`, {
      method: 'POST',
      headers: { 'x-signature': signature, 'x-event-id': eventId },
      body: '{"id":"c1"}',
    })
})
afterAll(() => site?.close())

/** A day of pushes, busy at noon, with an hour in which the target was slow and one in which it refused. */
async function addDay(pool: Site['hub']['pool'], sync: number): Promise<void> {
  await pool.query(
    `insert into run (kind, trigger, sync_id, outcome, counts, times, started_at, heartbeat_at, finished_at)
     select 'push', 'schedule', $1, case when h = 7 then 'partial' else 'success' end,
            jsonb_build_object('read', n + 20, 'created', n, 'updated', n / 4, 'dead', case when h = 7 then 3 else 0 end),
            jsonb_build_object('queue', 300 + n * 2, 'limits', case when h in (11, 12, 13) then 2500 else 100 end,
                               'remote', case when h = 16 then 9000 else 1200 end, 'mapping', n, 'storing', n / 2),
            at, at, at + (n * 3 + case h when 16 then 9600 when 11 then 4100 when 12 then 4100 when 13 then 4100 else 1700 end) * interval '1 ms'
       from generate_series(1, 23) h, lateral (select (150 + 130 * sin(h / 23.0 * 3.14))::int as n) size,
            generate_series(0, 3) k, lateral (select now() - h * interval '1 hour' - k * interval '14 minutes' as at) moment
      order by at`,
    [sync],
  )
}

test.for(pages)('%s', ([name, path, word, far]) => take(site, name, path(ids), word, { far }))

/** All looks of one page. */
async function take(
  from: Site,
  name: string,
  path: string,
  word: string,
  { far = false, foreign = false } = {},
): Promise<void> {
  const page = await from.open(path)
  const sign = page.getByText(word).filter({ visible: true }).first()
  await sign.waitFor()
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 360]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: width === 360 ? 740 : 800 })
      if (!foreign) await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor()
      if (far) await sign.scrollIntoViewIfNeeded()
      await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}-${width}.png`) })
    }
  await from.closeTabs()
}

test('the jobs of a queue, by bull-board', async () => {
  const { queue, end } = await openQueueOf()
  const own = await startSite({ services: { readQueueBoard: (path, query) => queue.readBoard(path, query) } })
  await take(own, 'jobs', '/admin/queues/queue/push?status=failed', 'CSW-1001', { foreign: true })
  await own.close()
  await end()
})

test('entities and reviews', async () => {
  const { site: own, entity } = await openPeople()
  await take(own, 'entities', '/entities?q=Lovelace', 'Lovelace')
  await take(own, 'entity', `/entity?type=person&id=${entity}`, 'Timeline')
  await take(own, 'reviews', '/reviews', 'erp:people')
  await own.close()
})

test('the playground', async () => {
  const { site: own, close } = await openPlayground()
  await take(own, 'playground', '/playground?sync=contacts&record=c1', 'ada@example.org')
  await close()
})
