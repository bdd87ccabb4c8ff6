import { describe, expect, test } from 'vitest'
import { expectAccessible, expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'

const PASSWORD = 'a long enough password'

describe.skipIf(!hasBrowser)('the settings page', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    return site
  })

  const statusAs = async (headers: Record<string, string>, path = '/api/v1/syncs') =>
    (await fetch(site.hub.url + path, { headers })).status
  const login = async (password: string): Promise<number> =>
    (
      await fetch(`${site.hub.url}/api/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'ada', password }),
      })
    ).status

  test('a user is added, gets another role and password, and is let in no more', async () => {
    const page = await site.open('/settings')
    await page.getByText('Nobody yet').waitFor()
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: 'Add a user…' }).click()
    await dialog.getByLabel('Name').fill('ada')
    await dialog.getByLabel('Role').selectOption('operator')
    await dialog.getByLabel('Password').first().fill('short')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    // The hub's own rule, in its own words, and nothing that was typed is lost.
    await dialog.getByText('/password').waitFor()
    await dialog.getByLabel('Password').first().fill(PASSWORD)
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    const row = page.getByRole('region', { name: 'Users' }).locator('tbody tr')
    await row.filter({ hasText: 'operator' }).waitFor()
    expect(await login(PASSWORD)).toBe(200)

    await page.getByRole('button', { name: 'Role… ada' }).click()
    await dialog.getByLabel('Role').selectOption('editor')
    await dialog.getByRole('button', { name: 'Change' }).click()
    await row.filter({ hasText: 'editor' }).waitFor()
    await page.getByRole('button', { name: 'Password… ada' }).click()
    await dialog.getByLabel('Password').first().fill(`${PASSWORD} now`)
    await dialog.getByRole('button', { name: 'Set' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect([await login(PASSWORD), await login(`${PASSWORD} now`)]).toEqual([401, 200])

    await page.getByRole('button', { name: 'Disable… ada' }).click()
    await dialog.getByLabel('Why').fill('Left the company')
    await dialog.getByRole('button', { name: 'Disable' }).click()
    await row.filter({ hasText: 'disabled' }).waitFor()
    expect(await login(`${PASSWORD} now`)).toBe(401)
    await page.getByRole('button', { name: 'Enable ada' }).click()
    await row.filter({ hasText: 'may log in' }).waitFor()
    expect(await login(`${PASSWORD} now`)).toBe(200)
    expect(page.complaints).toEqual([])
  })

  test('a token is made with its scopes and end, shown once, works, and ends when it is revoked', async () => {
    const page = await site.open('/settings')
    await page.getByText('No token yet.').waitFor()
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: 'Make a token…' }).click()
    await dialog.getByLabel('Name').fill('ci')
    await dialog.getByLabel('Role').selectOption('operator')
    await dialog.getByLabel('Ends').selectOption('30')
    await dialog.getByLabel('hub:read').check()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Make' }).click()
    await dialog.getByText('The hub keeps no copy.').waitFor()
    const secret = (await dialog.locator('.secret').textContent()) ?? ''
    await page.keyboard.press('Escape')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await dialog.waitFor({ state: 'detached' })
    const row = page.getByRole('region', { name: 'Tokens' }).locator('tbody tr')
    await expect
      .poll(() => row.textContent())
      .toMatch(/ci[\s\S]*operator[\s\S]*only hub:read[\s\S]*valid[\s\S]*in 30 d|29 d/)
    expect(await page.content()).not.toContain(secret)
    const headers = { authorization: `Bearer ${secret}` }
    expect([await statusAs(headers), await statusAs(headers, '/api/v1/dead-letters')]).toEqual([200, 403])
    await page.getByRole('button', { name: 'Revoke… ci' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await row.filter({ hasText: 'revoked' }).waitFor()
    await expect.poll(() => statusAs(headers)).toBe(401)
    expect(page.complaints).toEqual([])
  })

  test('alert routes are tested and snoozed; settings are shown without secrets', async () => {
    const page = await site.open('/settings')
    site.hub.calls.length = 0
    await page.getByRole('button', { name: 'Test ops' }).click()
    await page.getByText('sent', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Snooze… ops' }).click()
    await page.getByRole('dialog').getByLabel('For').selectOption('4')
    await page.getByRole('dialog').getByRole('button', { name: 'Snooze' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const calls = site.hub.calls.filter(([name]) => name.endsWith('AlertRoute') || name.endsWith('Alerts'))
    expect(calls.map((call) => call.slice(0, 2))).toEqual([
      ['testAlertRoute', 'ops'],
      ['snoozeAlerts', { route: 'ops' }],
    ])
    const hours = ((calls[1]![2] as Date).getTime() - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(3.9)
    expect(hours).toBeLessThanOrEqual(4)
    const settings = page.getByRole('region', { name: 'Settings' }).locator('tbody tr')
    await settings.nth(1).waitFor()
    await expect
      .poll(() => settings.allTextContents())
      .toEqual([
        expect.stringMatching(/journal_days30default/),
        expect.stringMatching(/database_url\[secret\]variableDATABASE_URL/),
      ])
    await page.getByRole('combobox', { name: 'Settings' }).selectOption('retention')
    await expect.poll(() => settings.count()).toBe(1)
    await expectGoodLooks(page)
  })

  test('who manages nobody sees the routes, and why not the rest', async () => {
    await site.hub.post('/api/v1/users', { name: 'eve', role: 'viewer', password: PASSWORD })
    const page = await site.open('/', { signedIn: false })
    await page.getByLabel('User name').fill('eve')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('needs the scope access:manage').waitFor()
    await page.locator('button[aria-disabled=true]', { hasText: 'Test' }).waitFor()
    expect(await page.getByRole('region', { name: 'Users' }).count()).toBe(0)
    expect(page.complaints).toEqual([])
  })
})
