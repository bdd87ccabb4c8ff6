import { describe, expect, test } from 'vitest'
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub, type Lively } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('single keys', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite()
    ids = await fillHub(site.hub.pool)
    return site
  })

  const open = async (path: string, word: string) => {
    const page = await site.open(path)
    await page.getByText(word).first().waitFor()
    return page
  }

  test('a page is chosen after g, its rows are gone through and opened, and back again', async () => {
    const page = await open('/', 'Waiting, late or stopped')
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    const rows = page.getByRole('region', { name: 'Dead letters' }).locator('tbody tr')
    await rows.nth(3).waitFor()
    // The causes of the letters are rows too, and stand first.
    await page.getByRole('region', { name: 'Causes' }).locator('tbody tr').nth(1).waitFor()
    const hasFocus = (row: number): Promise<boolean> =>
      rows.nth(row).evaluate((element) => element.contains(element.ownerDocument.activeElement))
    for (let i = 0; i < 3; i++) await page.keyboard.press('j')
    await expect.poll(() => hasFocus(0)).toBe(true)
    await page.keyboard.press('j')
    await expect.poll(() => hasFocus(1)).toBe(true)
    await page.keyboard.press('k')
    const id = (await rows.nth(0).locator('a').first().textContent())?.trim()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/dead-letter?id=${id}`)
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    const runs = page.getByRole('region', { name: 'Runs' }).locator('tbody tr')
    await runs.first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('o')
    await page.waitForURL(/\/run\?id=\d+/)
    // Too late to have been meant, and a page that is not there.
    await page.keyboard.press('g')
    await page.waitForTimeout(2_100)
    await page.keyboard.press('h')
    await page.keyboard.press('g')
    await page.keyboard.press('x')
    expect(new URL(page.url()).pathname).toBe('/run')
    expect(page.complaints).toEqual([])
  })

  test('what somebody types is theirs, in fields, in a dialog and with a modifier', async () => {
    const page = await open('/runs', 'created')
    await page.keyboard.press('/')
    const search = page.getByLabel('Find a record by id')
    await page.keyboard.type('gh?j/')
    await expect.poll(() => search.inputValue()).toBe('gh?j/')
    expect(new URL(page.url()).pathname).toBe('/runs')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.locator('h1').focus()
    await page.keyboard.press('Control+g')
    await page.keyboard.press('h')
    expect(new URL(page.url()).pathname).toBe('/runs')
    await page.keyboard.press('f')
    await expect.poll(() => page.evaluate(`document.activeElement.closest('main search') !== null`)).toBe(true)
    await page.goto(`${site.hub.url}/sync?name=contacts-to-erp`)
    await page.getByRole('button', { name: 'Pause contacts-to-erp' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).focus()
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    expect(new URL(page.url()).pathname).toBe('/sync')
  })

  test('r asks before it runs, of a row or of the page; where nothing would ask it only goes there', async () => {
    const page = await open('/syncs', 'files-to-docs')
    await page.keyboard.press('r')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.keyboard.press('j')
    await page.keyboard.press('r')
    await page.getByRole('dialog').getByText('contacts-to-erp').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.goto(`${site.hub.url}/dead-letter?id=${ids.deadLetters[0]}`)
    await page.getByRole('button', { name: 'Requeue' }).waitFor()
    await page.keyboard.press('r')
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Requeue')
    const { rows } = await site.hub.pool.query('select state from dead_letter where id = $1', [ids.deadLetters[0]])
    expect(rows).toEqual([{ state: 'open' }])
    await page.keyboard.press('.')
    await page.getByRole('button', { name: 'Held' }).waitFor()
  })

  test('? shows the keys; switched off they do nothing, and stay so', async () => {
    const page = await open('/', 'Waiting, late or stopped')
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Next row').waitFor()
    await expectAccessible(page)
    await dialog.getByLabel('Use single keys').uncheck()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    for (const key of ['?', 'g', 'r']) await page.keyboard.press(key)
    expect(await dialog.count()).toBe(0)
    await page.reload()
    await page.getByText('Waiting, late or stopped').waitFor()
    for (const key of ['?', 'g', 'r']) await page.keyboard.press(key)
    expect(await dialog.count()).toBe(0)
    expect(new URL(page.url()).pathname).toBe('/')
    await page.getByRole('button', { name: 'Keys' }).click()
    await dialog.getByLabel('Use single keys').check()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.waitForURL('**/runs')
    expect(page.complaints).toEqual([])
  })
})
