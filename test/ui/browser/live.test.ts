/** The page while things happen: what is read holds still, and what is new can be had. */
import { describe, expect, test } from 'vitest'
import { hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub, type Lively } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('the page while things happen', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite()
    ids = await fillHub(site.hub.pool)
    return site
  })

  const happens = async (trigger: string): Promise<number> => {
    const { rows } = await site.hub.pool.query<{ id: number }>(
      `insert into run (kind, trigger, stream_id) values ('pull', $1, $2) returning id`,
      [trigger, ids.contacts],
    )
    return rows[0]!.id
  }

  test('new rows move nothing that is under the pointer, and wait behind a button', async () => {
    const page = await site.open('/runs')
    const rows = page.getByRole('region', { name: 'Runs' }).locator('tbody tr')
    await rows.nth(2).waitFor()
    await rows.nth(1).hover()
    const before = await rows.allTextContents()
    const place = await rows.nth(1).boundingBox()
    await happens('first')
    await page.getByRole('button', { name: '1 new' }).waitFor()
    const run = await happens('second')
    await page.getByRole('button', { name: '2 new' }).waitFor()
    expect((await rows.allTextContents()).length).toBe(before.length)
    expect(await rows.nth(1).boundingBox()).toEqual(place)
    // What is held is brought up to date in its place.
    await site.hub.pool.query(`update run set outcome = 'unknown' where id = $1`, [ids.failedRun])
    await rows.filter({ hasText: 'unknown' }).waitFor()
    expect(await rows.nth(1).boundingBox()).toEqual(place)

    await page.getByRole('button', { name: '2 new' }).click()
    await rows
      .first()
      .filter({ hasText: String(run) })
      .waitFor()
    await expect.poll(() => rows.count()).toBe(before.length + 2)
    // Nobody looks: nothing has to wait.
    await page.mouse.move(2, 2)
    await page.getByRole('heading', { level: 1 }).focus()
    const third = await happens('third')
    await rows
      .first()
      .filter({ hasText: String(third) })
      .waitFor()
    expect(page.complaints).toEqual([])
  })

  test('selected text stays selected; what happened meanwhile comes afterwards', async () => {
    const page = await site.open('/runs')
    const rows = page.getByRole('region', { name: 'Runs' }).locator('tbody tr')
    await rows.nth(2).waitFor()
    await page.mouse.move(2, 2)
    await page.evaluate(`getSelection().selectAllChildren(document.querySelector('tbody tr'))`)
    await page.getByRole('button', { name: 'Paused: text is selected' }).waitFor()
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    // The tab hears of it, and asks for nothing.
    await happens('while selected')
    const count = await rows.count()
    const other = await site.open('/runs', { own: true })
    await other.getByRole('region', { name: 'Runs' }).getByText('while selected').waitFor()
    expect(asked).not.toContain('/api/v1/runs')
    expect(await page.evaluate('getSelection().toString()')).not.toBe('')
    expect(await rows.count()).toBe(count)
    await page.evaluate('getSelection().removeAllRanges()')
    await rows.filter({ hasText: 'while selected' }).waitFor()
  })
})
