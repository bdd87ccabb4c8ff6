import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { slowness } from '../../cli/processor-time.ts'
import { type Seeded, seedHub } from '../../http/rows.ts'
import { fillLists } from '../../store/full-lists.ts'
import { hasBrowser, type Site, startSite } from '../browser.ts'
import { longestTask } from '../longest-task.ts'

/** How long the lists are. With CAUSEWAY_LIST_ROWS=1000000 the time of the search is measured too; that takes minutes. */
const ROWS = Number(process.env.CAUSEWAY_LIST_ROWS ?? 3_000)
const MEASURED = process.env.CAUSEWAY_LIST_ROWS !== undefined
const MOST_ROWS = 200
/** From then on a task is long: what somebody does meanwhile is felt to lag. */
const LONG_MS = 50

/** Each list with what stands in a row of it, and there only. */
const LISTS = [
  ['/runs', 'Runs', 'Older runs', (row: number) => `//a[@href="/run?id=${row}"]`],
  ['/dead-letters', 'Dead letters', 'Older dead letters', (row: number) => `//a[@href="/dead-letter?id=${row}"]`],
  ['/webhooks', 'Events', 'Older events', (row: number) => `//bdi[.="e${row}"]`],
] as const

describe.skipIf(!hasBrowser)('lists without end', () => {
  let site: Site
  let ids: Seeded

  beforeAll(async () => {
    site = await startSite()
    ids = await seedHub(site.hub.pool)
    await fillLists(site.hub.pool, ids, ROWS, ROWS)
  }, 1_200_000)
  afterEach(() => site?.closeTabs())
  afterAll(() => site?.close())

  test.for(LISTS)('%s: on and back, and never more than 200 rows', async ([path, label, older, mark]) => {
    const page = await site.open(path)
    const rows = page.getByRole('region', { name: label, exact: true }).locator('tbody tr')
    const seen = (row: number): Promise<void> => page.locator(mark(row)).first().waitFor()
    await seen(ROWS)
    for (let asked = 2; asked <= 7; asked++) {
      await page.getByRole('button', { name: older }).click()
      await seen(ROWS - 50 * asked + 1)
      await expect.poll(() => rows.count()).toBe(Math.min(50 * asked, MOST_ROWS))
    }
    expect(await rows.filter({ hasText: String(ROWS) }).count()).toBe(0)
    for (let asked = 3; asked > 0; asked--) {
      await page.getByRole('button', { name: 'Those before' }).click()
      await seen(ROWS - 50 * (asked - 1))
      await expect.poll(() => rows.count()).toBe(MOST_ROWS)
    }
    await page.getByRole('button', { name: 'Those before' }).waitFor({ state: 'detached' })
    expect(page.complaints).toEqual([])
  })

  test.for(LISTS)('%s: no long task, neither when it opens nor on the way', async ([path, , older, mark]) => {
    const visit = async (): Promise<Record<string, number>> => {
      const page = await site.open('/system', { own: true })
      // Told by the page itself: to be asked again and again would be work of its own.
      const comes = (row: number): Promise<unknown> =>
        page.evaluate(
          `new Promise((done) => {
             const isThere = () => document.evaluate('boolean(${mark(row)})', document).booleanValue
             const watch = new MutationObserver(() => isThere() && done(watch.disconnect()))
             watch.observe(document.body, { childList: true, subtree: true })
             if (isThere()) done(watch.disconnect())
           })`,
        )
      const step = (button: string, row: number): Promise<number> =>
        longestTask(page, async () => {
          const come = comes(row)
          await page.getByRole('button', { name: button }).click()
          await come
        })
      const took: Record<string, number> = {}
      took.open = await longestTask(page, async () => {
        await page.goto(site.hub.url + path, { waitUntil: 'commit' })
        await page.waitForLoadState()
        await comes(ROWS - 49)
      })
      for (let asked = 2; asked <= 6; asked++) took[`on to ${asked}`] = await step(older, ROWS - 50 * asked + 1)
      took.back = await step('Those before', ROWS - 50)
      await site.closeTabs()
      return took
    }
    const allowed = LONG_MS * slowness()
    let least: Record<string, number> = {}
    // The best of three for each step: what else the machine does can only add.
    for (let i = 0; i < 3 && (i === 0 || Math.max(...Object.values(least)) >= allowed); i++)
      for (const [what, ms] of Object.entries(await visit()))
        least = { ...least, [what]: Math.min(ms, least[what] ?? ms) }
    const longest = Math.max(...Object.values(least))
    const told = Object.entries(least).map(([what, ms]) => `${what} ${ms.toFixed(1)}`)
    console.log(`${path}: longest task ${longest.toFixed(1)} ms of the thread (${told.join(', ')})`)
    expect(Math.min(...Object.values(least))).toBeGreaterThan(1)
    expect(longest).toBeLessThan(allowed)
  })

  test('a jump to a time or a key needs no walk', async () => {
    const page = await site.open('/runs?until=2026-01-01T02:00:00.000Z')
    await page.getByRole('link', { name: '119', exact: true }).waitFor()
    await expect.poll(() => page.getByRole('region', { name: 'Runs' }).locator('tbody tr').count()).toBe(50)
    await page.goto(`${site.hub.url}/dead-letters?before=2026-01-01T02:00:00.000Z`)
    await page.getByRole('link', { name: '119', exact: true }).waitFor()
    await page.goto(`${site.hub.url}/records?key=c777@example.org`)
    await page.getByRole('region', { name: 'Records found' }).getByRole('link', { name: 'c777' }).waitFor()
  })

  test.skipIf(!MEASURED)('the search of a record, timed', async () => {
    const times: number[] = []
    for (let i = 0; i < 200; i++) {
      const n = 1 + ((i * 7919) % ROWS)
      const key = ['c', 'C'][i % 2] + String(n) + (i % 3 ? '@example.org' : '')
      const start = performance.now()
      const answer = await site.hub.get(`/api/v1/records?key=${encodeURIComponent(key)}`)
      expect(answer.status).toBe(200)
      await answer.arrayBuffer()
      times.push(performance.now() - start)
    }
    times.sort((a, b) => a - b)
    console.info(`search among ${ROWS} records: p50 ${times[99]!.toFixed(1)} ms, p95 ${times[189]!.toFixed(1)} ms`)
  })
})
