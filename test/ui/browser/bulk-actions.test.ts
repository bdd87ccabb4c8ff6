import { describe, expect, onTestFinished, test } from 'vitest'
import { holdLease, workBulkPart } from '../../../src/store/index.ts'
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub, type Lively } from '../lively-hub.ts'

const LETTERS = 1_200
/** Of a bulk action, done in one transaction. */
const PART = 500

describe.skipIf(!hasBrowser)('bulk actions while they go on', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite()
    ids = await fillHub(site.hub.pool)
    await site.hub.pool.query(
      `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input)
       select 'push', $1, 'many-' || n, '', 'CSW-3007', 'many', '{"code":"CSW-3007","what":"no"}', '{}' from generate_series(1, $2) n`,
      [ids.sync, LETTERS],
    )
    return site
  })

  test('one is stopped by its button: what is done stays done, the rest is left alone, and the audit says who and why', async () => {
    const { pool } = site.hub
    // Somebody else at work does it, at a pace that this test sets.
    const lease = (await holdLease(pool, 'bulk:1', { holder: 'another process' }))!
    onTestFinished(() => lease.release())
    const page = await site.open('/dead-letters?code=CSW-3007')
    await page.getByRole('button', { name: 'Requeue all of these…' }).click()
    await page.getByRole('button', { name: 'Requeue 1,200' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const actions = page.getByRole('region', { name: 'Bulk actions' })
    await expect.poll(() => actions.textContent()).toMatch(/Requeue dead letters[\s\S]*running[\s\S]*0 of 1,200/)
    await workBulkPart(pool, lease, 1)
    await expect.poll(() => actions.textContent()).toMatch(/500 of 1,200[\s\S]*700 left/)

    await actions.getByRole('button', { name: 'Stop bulk action 1' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('700 have not been touched yet').waitFor()
    await expectAccessible(page)
    await dialog.getByLabel('Why').fill('The ERP is being upgraded')
    await dialog.getByRole('button', { name: 'Stop' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => actions.textContent()).toMatch(/stopped[\s\S]*500 of 1,200/)
    await actions.getByRole('button', { name: 'Stop bulk action 1' }).waitFor({ state: 'detached' })

    await workBulkPart(pool, lease, 1)
    const { rows: letters } = await pool.query(
      `select state, count(*)::int as count from dead_letter where code = 'CSW-3007' group by state order by state`,
    )
    expect(letters).toEqual([
      { state: 'open', count: LETTERS - PART },
      { state: 'requeued', count: PART },
    ])
    const { rows: audit } = await pool.query(
      `select actor, detail::jsonb as detail from audit where action = 'bulk_action.abort'`,
    )
    expect(audit).toEqual([
      { actor: expect.stringMatching(/admin/), detail: { left: LETTERS - PART, reason: 'The ERP is being upgraded' } },
    ])
    expect(page.complaints).toEqual([])
  })
})
