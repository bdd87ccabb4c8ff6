import { describe, expect, test } from 'vitest'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub } from '../lively-hub.ts'

/** What the one push of the hub did, as plots say it: the label of the picture. */
const OF_THE_PUSH = [
  'Read by hour, 1,200 in all',
  'Written by hour, 1,160 in all',
  'Dead letters by hour, 40 in all',
  'Runs that did not end well by hour, 1 in all',
  'Longest lag by hour, 5,000 ms at most',
  'Waited for limits by hour, 1,000 ms in all',
]

describe.skipIf(!hasBrowser)('plots of the last day', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    await fillHub(site.hub.pool)
    return site
  })

  const open = async (path: string) => {
    const page = await site.open(path)
    const numbers = page.getByRole('region', { name: 'By hour', exact: true })
    await page.getByText('The numbers').click()
    await numbers.waitFor()
    const row = async () => {
      const heads = await numbers.locator('th').allTextContents()
      const cells = await numbers.locator('tbody tr').first().locator('td').allTextContents()
      return Object.fromEntries(heads.map((head, i) => [head, cells[i]]))
    }
    return { page, row }
  }

  test('a sync shows throughput, errors, lag, waits and where the time went; the table has the same numbers', async () => {
    const { page, row } = await open('/sync?name=contacts-to-erp')
    for (const name of OF_THE_PUSH) await page.getByRole('img', { name, exact: true }).waitFor()
    await expect.poll(row).toMatchObject({
      Runs: '1',
      'Not well': '1',
      Read: '1,200',
      Written: '1,160',
      Dead: '40',
      'Longest lag': '5,000 ms',
      'Waited for limits': '1,000 ms',
      'The other side, mean': '2,500 ms',
      'Waiting for limits, mean': '1,000 ms',
      'Waiting in the queue, mean': '800 ms',
      'Mapping, mean': '300 ms',
      'Storing in the ledger, mean': '150 ms',
      'Other work, mean': '250 ms',
    })
    const parts = page.getByRole('img', { name: 'Mean time of a run, by what it went to, by hour' }).locator('.part')
    const drawn = await parts.evaluateAll((all) =>
      all.map((part) => [
        Number(part.getAttribute('y')),
        Number(part.getAttribute('height')),
        part.getAttribute('fill'),
      ]),
    )
    expect(drawn).toHaveLength(6)
    const total = drawn.reduce((sum, [, height]) => sum + Number(height), 0)
    const shares = drawn.map(([, height]) => Math.round((Number(height) / total) * 1_000) / 10)
    expect(shares).toEqual([50, 20, 16, 6, 3, 5])
    // Each stands on the one before it, and is told from it by more than a colour.
    for (const [i, [y, height]] of drawn.entries())
      expect(Number(y) + Number(height)).toBeCloseTo(Number(drawn[i - 1]?.[0] ?? 120))
    expect(new Set(drawn.map(([, , fill]) => fill)).size).toBe(6)
    await expectGoodLooks(page)
  })

  test('a connection shows what was read from it and what was written to it', async () => {
    const erp = await open('/connection?name=erp')
    for (const name of OF_THE_PUSH) await erp.page.getByRole('img', { name, exact: true }).waitFor()
    const crm = await open('/connection?name=crm')
    await crm.page.getByRole('img', { name: 'Read by hour, 2,000 in all', exact: true }).waitFor()
    await crm.page.getByRole('img', { name: 'Runs that did not end well by hour, 1 in all', exact: true }).waitFor()
    await expectGoodLooks(crm.page)
    await crm.page.goto(`${site.hub.url}/connection?name=hrm`)
    await crm.page.getByText('Nothing ran in the last 24 hours.').waitFor()
    // What was never read is not up to date.
    await crm.page.getByText('not read yet').waitFor()
  })

  test('the page of a connection shows what was used of its limits, hour by hour, with what they allow', async () => {
    await site.hub.pool.query(
      `insert into limit_use (key, at, total, units, seconds) values
         ('c:erp:burst', now() - interval '3 hours', 1000, 100, 10), ('c:erp:burst', now() - interval '2 hours', 2500, 100, 10),
         ('c:erp:daily', now() - interval '2 hours', 40, 5000, 86400)`,
    )
    const page = await site.open('/connection?name=erp')
    await page.getByRole('img', { name: 'burst, used by hour, 2,500 in all', exact: true }).waitFor()
    await page.getByRole('img', { name: 'daily, used by hour, 40 in all', exact: true }).waitFor()
    await page.getByText('It allows 100 in 10 s. In its busiest five minutes 50 % of that were used.').waitFor()
    const panel = page.locator('.panel', { hasText: 'Limits, the last 24 hours' })
    await panel.getByText('The numbers').click()
    const rows = page.getByRole('region', { name: 'Limits by hour' }).locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(3)
    await expect
      .poll(() => rows.last().locator('td').allTextContents())
      .toEqual([expect.any(String), 'burst', 'It allows 100 in 10 s.', '1,000', '1,000'])
    await expectGoodLooks(page)
    await page.goto(`${site.hub.url}/connection?name=hrm`)
    await page.getByText('Nothing was used of any limit in the last 24 hours').waitFor()
  })

  test('home draws the day of all syncs below what is wrong, and the page of the queues how long work waited', async () => {
    const page = await site.open('/')
    await page.getByRole('img', { name: 'Read by hour, 3,200 in all', exact: true }).waitFor()
    await page.getByRole('img', { name: 'Written by hour, 1,160 in all', exact: true }).waitFor()
    await page.getByRole('img', { name: 'Runs that did not end well by hour, 2 in all', exact: true }).waitFor()
    await page.goto(`${site.hub.url}/queues`)
    await page.getByRole('img', { name: 'Longest wait in the queue by hour, 800 ms at most', exact: true }).waitFor()
    await expectGoodLooks(page)
  })
})
