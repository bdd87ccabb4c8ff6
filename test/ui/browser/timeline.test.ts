import { describe, expect, test } from 'vitest'
import { appendAudit } from '../../../src/store/index.ts'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('the timeline', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    await fillHub(site.hub.pool)
    for (const [action, subject, detail] of [
      ['configuration.apply', 'configuration', { applied: [{ kind: 'sync', name: 'contacts', change: 'changed' }] }],
      ['connection.login', 'connection:crm', {}],
      ['sync.pause', 'sync:contacts', { reason: 'Stocktaking' }],
      ['dead_letters.requeue', 'dead_letters', { requeued: 500 }],
    ] as const)
      await appendAudit(site.hub.pool, { actor: 'user:ada', action, subject, detail })
    return site
  })

  test('runs, changes of files, credentials, pauses and bulk actions stand in one list, each with its address', async () => {
    const page = await site.open('/timeline')
    const rows = page.getByRole('region', { name: 'Timeline' }).locator('tbody tr')
    await rows.nth(6).waitFor()
    const said = async (): Promise<string> => (await rows.allTextContents()).join('\n')
    for (const words of ['configuration.apply', 'connection.login', 'sync.pause', 'dead_letters.requeue', 'user:ada'])
      await expect.poll(said).toContain(words)
    await expect.poll(said).toMatch(/pull run[\s\S]*failed/)
    await rows.filter({ hasText: 'sync.pause' }).getByRole('link').click()
    await page.waitForURL(/\/audit\?id=\d+/)
    await page.reload()
    const entries = page.getByRole('region', { name: 'Audit' }).locator('tbody tr')
    await entries.first().waitFor()
    await expect.poll(() => entries.count()).toBe(1)
    await page.getByText('"Stocktaking"').waitFor()
    await page.goto(`${site.hub.url}/timeline`)
    await page.getByRole('combobox', { name: 'Only' }).selectOption('runs')
    await expect.poll(async () => (await rows.allTextContents()).join()).not.toContain('user:ada')
    await expect.poll(() => page.url()).toContain('kind=run')
    await rows.filter({ hasText: 'failed' }).getByRole('link').click()
    await page.waitForURL(/\/run\?id=\d+/)
    await page.goto(`${site.hub.url}/timeline`)
    await rows.nth(6).waitFor()
    await expectGoodLooks(page)
  })
})
