import { describe, expect, onTestFinished, test } from 'vitest'
import { beatWorker, leaveWorker } from '../../../src/store/index.ts'
import { hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { addBacklog, fillHub } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('workers', () => {
  let site: Site
  const id = 'host-a/77/x'

  useSite(async () => {
    site = await startSite()
    const ids = await fillHub(site.hub.pool)
    await addBacklog(site.hub.pool, ids, 5)
    await site.hub.pool.query(`update record set observed_at = now() + interval '1 hour'`)
    return site
  })

  test('work that waits while nobody works is shown within 15 seconds, with three checks to do, and goes when somebody does', async () => {
    const { pool } = site.hub
    const beating = setInterval(() => void beatWorker(pool, id), 3_000)
    onTestFinished(() => clearInterval(beating))
    await beatWorker(pool, id)
    const page = await site.open('/queues')
    const workers = page.getByRole('region', { name: 'Workers' }).locator('tbody tr')
    await workers.filter({ hasText: 'works' }).waitFor()
    await page.goto(site.hub.url)
    await page.getByText('Waiting, late or stopped').waitFor()
    expect(await page.getByText('nobody works').count()).toBe(0)
    clearInterval(beating)
    const { rows } = await pool.query<{ ms: number }>(
      'select extract(epoch from now() - seen_at) * 1000 as ms from worker',
    )
    const silentSince = Date.now() - Number(rows[0]?.ms)
    const row = page.locator('tr', { hasText: 'nobody works' }).first()
    await row.waitFor()
    const shownAfter = Date.now() - silentSince
    console.log(`shown after ${shownAfter} ms`)
    expect(shownAfter).toBeLessThan(15_000)
    await expect
      .poll(() => row.textContent())
      .toMatch(/is a worker process running[\s\S]*causeway doctor[\s\S]*worker’s log/)
    await beatWorker(pool, id)
    await row.waitFor({ state: 'detached' })
    // One that is stopped leaves at once, whatever it said a moment ago.
    await leaveWorker(pool, id)
    await row.waitFor()
    await page.goto(`${site.hub.url}/queues`)
    await workers.filter({ hasText: 'stopped' }).waitFor()
    expect(page.complaints).toEqual([])
  })
})
