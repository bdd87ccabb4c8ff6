import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Seeded, seedHub } from '../../http/rows.ts'
import { fillLists } from '../../store/full-lists.ts'
import { hasBrowser, type Site, startSite } from '../browser.ts'

/**
 * How long the lists are. With CAUSEWAY_LIST_ROWS=1000000 the time of the search and long tasks are measured and printed too; that
 * takes minutes, and a machine that does nothing else.
 */
const ROWS = Number(process.env.CAUSEWAY_LIST_ROWS ?? 3_000)
const MEASURED = process.env.CAUSEWAY_LIST_ROWS !== undefined
const MOST_ROWS = 200

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

  test.for([
    ['/runs', 'Runs', 'Older runs', (row: number) => `/run?id=${row}`],
    ['/dead-letters', 'Dead letters', 'Older dead letters', (row: number) => `/dead-letter?id=${row}`],
    ['/webhooks', 'Events', 'Older events', (row: number) => `e${row}`],
  ] as const)('%s: on and back, and never more than 200 rows', async ([path, label, older, mark]) => {
    const page = await site.open(path)
    const rows = page.getByRole('region', { name: label, exact: true }).locator('tbody tr')
    const seen = async (row: number): Promise<void> =>
      rows
        .filter({ has: page.locator(`a[href="${mark(row)}"], :text-is("${mark(row)}")`) })
        .first()
        .waitFor()
    await page.evaluate(`{
      globalThis.longest = 0
      new PerformanceObserver((list) => {
        for (const task of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, task.duration)
      }).observe({ type: 'longtask' })
    }`)
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
    if (MEASURED) console.info(`${path}: longest task ${await page.evaluate('Math.round(globalThis.longest)')} ms`)
    expect(page.complaints).toEqual([])
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
