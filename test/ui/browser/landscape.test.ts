import { describe, expect, test } from 'vitest'
import { appendAudit } from '../../../src/store/index.ts'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('landscape, audit, changes and system', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    await fillHub(site.hub.pool)
    await appendAudit(site.hub.pool, {
      actor: 'user:ada',
      action: 'sync.pause',
      subject: 'sync:contacts-to-erp',
      detail: { reason: 'Stocktaking' },
    })
    await appendAudit(site.hub.pool, {
      actor: 'cli:eve',
      action: 'configuration.apply',
      subject: 'configuration',
      detail: { applied: ['sync contacts'] },
    })
    return site
  })

  test('the picture shows what flows, how fresh it is and what is wrong; a click leads there; the table says the same', async () => {
    const page = await site.open('/landscape')
    const edge = page.getByRole('link', { name: /^contacts-to-erp: 4 dead letters, fresh as of \d+ min/ })
    await edge.waitFor()
    await expect.poll(() => edge.getAttribute('aria-label')).toContain('1,160 written in 24 hours')
    // No longer than they are seen: who points at the line gets the same words.
    await expect
      .poll(() => edge.evaluate((it) => it.querySelector('title')?.textContent === it.getAttribute('aria-label')))
      .toBe(true)
    await page.getByRole('link', { name: 'helpdesk, demo-helpdesk: needs_authorisation' }).waitFor()
    const row = page.getByRole('region', { name: 'Flows' }).locator('tr', { hasText: 'contacts-to-erp' })
    await expect
      .poll(() => row.locator('td').allTextContents())
      .toEqual([
        expect.stringContaining('crm:contacts → erp:customers'),
        '4 dead letters',
        expect.stringMatching(/min/),
        '1,160',
        '40',
        expect.any(String),
      ])
    await page.getByRole('img', { name: 'Written by hour, 1,160 in all' }).waitFor()
    await page.getByRole('img', { name: 'Dead letters by hour, 40 in all' }).waitFor()
    await expectGoodLooks(page)
    // What the hub learns is drawn without a reload.
    await site.hub.pool.query(`update sync set state = 'paused' where name = 'contacts-to-erp'`)
    await page.getByRole('link', { name: /^contacts-to-erp: paused/ }).click()
    await page.getByRole('heading', { name: 'Sync contacts-to-erp' }).waitFor()
    await site.hub.pool.query(`update sync set state = 'active' where name = 'contacts-to-erp'`)
  })

  test('the audit is filtered by the address, shows particulars, and its chain is verified until a row is changed', async () => {
    const page = await site.open('/audit?actor=user:ada')
    const rows = page.getByRole('region', { name: 'Audit' }).locator('tbody tr')
    await rows.filter({ hasText: 'sync.pause' }).waitFor()
    await expect.poll(() => rows.count()).toBe(1)
    await rows.getByText('Show').click()
    await expect.poll(() => rows.textContent()).toContain('Stocktaking')
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Verify the trail' }).click()
    await page.getByText('none changed or missing').waitFor()
    // Somebody with all rights to the database: the table itself refuses changes.
    await site.hub.pool.query('alter table audit disable trigger audit_insert_only')
    await site.hub.pool.query(`update audit set actor = 'user:eve' where actor = 'user:ada'`)
    await site.hub.pool.query('alter table audit enable trigger audit_insert_only')
    await page.getByRole('button', { name: 'Verify the trail' }).click()
    await page.getByText(/broken at \d+/).waitFor()
  })

  test('applied plans and what the hub works with are listed, newest first', async () => {
    await site.hub.pool.query(
      `insert into configuration (kind, name, fields, since) values
         ('sync', 'older', '{"map":"a"}', now() - interval '2 days'), ('connection', 'newer', '{"url":"b"}', now())`,
    )
    const page = await site.open('/changes')
    await page.getByRole('region', { name: 'Applied plans' }).getByText('cli:eve').waitFor()
    const names = page.getByRole('region', { name: 'Configuration' }).locator('tbody td:nth-child(3)')
    await expect.poll(() => names.allTextContents()).toEqual(['newer', 'older'])
    await page.getByLabel('Kind').selectOption('sync')
    await expect.poll(() => names.allTextContents()).toEqual(['older'])
    await expectGoodLooks(page)
  })

  test('the first steps tick themselves and go away when all are done', async () => {
    const page = await site.open('/system')
    const steps = page.getByRole('list', { name: 'First steps' })
    await steps.getByText('Authorise helpdesk').waitFor()
    await expectGoodLooks(page)
    await site.hub.pool.query(`update connection set state = 'active' where name = 'helpdesk'`)
    await steps.waitFor({ state: 'detached' })
    await page.getByText('database').waitFor()
  })
})
