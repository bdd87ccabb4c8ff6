import { describe, expect, test } from 'vitest'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('where the time of a run went', () => {
  let site: Site
  let push: number
  let failed: number

  useSite(async () => {
    site = await startSite()
    failed = (await fillHub(site.hub.pool)).failedRun
    const { rows } = await site.hub.pool.query<{ id: number }>(`select id from run where kind = 'push'`)
    push = rows[0]!.id
    return site
  })

  test('each part stands in the table with its bar, one behind the other, and they add up to the duration', async () => {
    const page = await site.open(`/run?id=${push}`)
    const rows = page.getByRole('region', { name: 'Where the time went' }).locator('tbody tr')
    await rows.first().waitFor()
    const cells = await Promise.all((await rows.all()).map((row) => row.locator('td').allTextContents()))
    expect(cells.map(([part, time, share]) => [part, time, share])).toEqual([
      ['Waiting in the queue', '800 ms', '16 %'],
      ['Waiting for limits', '1000 ms', '20 %'],
      ['The other side', '2500 ms', '50 %'],
      ['Mapping', '300 ms', '6 %'],
      ['Storing in the ledger', '150 ms', '3 %'],
      ['Other work', '250 ms', '5 %'],
      ['Sum', '5000 ms', '100 %'],
    ])
    const bars = await rows
      .locator('rect')
      .evaluateAll((all) =>
        all.map((bar) => [Number(bar.getAttribute('x')), Number(bar.getAttribute('width'))] as const),
      )
    expect(bars).toHaveLength(7)
    bars.slice(1, 6).forEach(([from], i) => {
      const [before, width] = bars[i]!
      expect(from).toBeCloseTo(before + width)
    })
    expect(bars[6]).toEqual([0, 240])
    await expectGoodLooks(page)
  })

  test('a run of before says that its times were not kept', async () => {
    const page = await site.open(`/run?id=${failed}`)
    await page.getByText('older than the keeping of times').waitFor()
    expect(await page.getByRole('region', { name: 'Where the time went' }).count()).toBe(0)
  })
})
