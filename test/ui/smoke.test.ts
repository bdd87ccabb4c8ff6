import { describe, expect, test } from 'vitest'
import { TOKEN } from '../http/hub.ts'
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from './browser.ts'
import { fillHub } from './lively-hub.ts'

/** One way through the page; `npm run test:ui` walks all of them. */
describe.skipIf(!hasBrowser)('the page, in short', () => {
  let site: Site
  useSite(async () => {
    site = await startSite()
    await fillHub(site.hub.pool)
    return site
  })

  test('somebody signs in, sees what is wrong, and requeues what one cause has stopped', async () => {
    const page = await site.open('/', { signedIn: false })
    await page.getByLabel('Admin token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'The target refused this record.' }).click()
    await page.getByText('vat-0').waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Requeue all of these…' }).click()
    await page.getByRole('button', { name: 'Requeue 3' }).click()
    await page.getByText('Nothing matches the filter.').waitFor()
    const states = async () => (await site.hub.pool.query(`select state from dead_letter where code = 'CSW-3008'`)).rows
    await expect
      .poll(states, { timeout: 20_000 })
      .toEqual([{ state: 'requeued' }, { state: 'requeued' }, { state: 'requeued' }])
    expect(page.complaints).toEqual([])
  })
})
