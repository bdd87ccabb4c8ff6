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

  const kept = (connection: string, name: string): Promise<string | undefined> =>
    site.hub.secrets.get({ connection, field: `own:${name}` })

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
    await dialog.getByText('password: must NOT have fewer than 12 characters.').waitFor()
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

  test('a secret is set, replaced and forgotten, with its line breaks, and is on no page afterwards', async () => {
    const page = await site.open('/settings')
    const region = page.getByRole('region', { name: 'Secrets' })
    const rows = region.locator('tbody tr')
    const dialog = page.getByRole('dialog')
    // What an alert route of the files asks for, and nobody has given.
    await expect
      .poll(() => rows.allTextContents())
      .toEqual([expect.stringMatching(/alerts\.ops.*ops-key.*signing_key.*missing/)])
    await page.getByRole('button', { name: 'Set… alerts.ops ops-key' }).click()
    const key = '-----BEGIN KEY-----\nabc-canary\n-----END KEY-----'
    await dialog.getByLabel('Secret', { exact: false }).first().fill(`${key}\n`)
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Keep', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Replace… alerts.ops ops-key' }).waitFor()
    expect(await kept('alerts.ops', 'ops-key')).toBe(key)
    expect(await page.content()).not.toContain('abc-canary')

    await page.getByRole('button', { name: 'Replace… alerts.ops ops-key' }).click()
    await dialog.getByLabel('Secret', { exact: false }).first().fill('second-canary')
    await dialog.getByLabel('Why').fill('a change of keys')
    await dialog.getByRole('button', { name: 'Replace', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => kept('alerts.ops', 'ops-key')).toBe('second-canary')

    await page.getByRole('button', { name: 'Keep a secret…' }).click()
    await dialog.getByLabel('Name').fill('later')
    await dialog.getByLabel('Secret', { exact: false }).first().fill('third-canary')
    await dialog.getByRole('button', { name: 'Keep', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await rows.filter({ hasText: 'nothing refers to it' }).waitFor()
    await expectGoodLooks(page)
    for (const name of ['later', 'ops-key']) {
      await page.getByRole('button', { name: `Forget… alerts.ops ${name}` }).click()
      await dialog.getByRole('button', { name: 'Forget', exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      await expect.poll(() => kept('alerts.ops', name)).toBeUndefined()
    }
    await rows.filter({ hasText: 'missing' }).waitFor()
    await expect.poll(() => rows.count()).toBe(1)
    const { rows: done } = await site.hub.pool.query(
      `select action, subject from audit where action like 'secret.%' order by id`,
    )
    expect(done).toEqual([
      ...Array(3).fill({ action: 'secret.store', subject: 'alert_route:ops' }),
      ...Array(2).fill({ action: 'secret.forget', subject: 'alert_route:ops' }),
    ])
    expect(page.complaints).toEqual([])
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
    await page
      .getByRole('button', { name: 'Set… alerts.ops ops-key' })
      .and(page.locator('[aria-disabled=true]'))
      .waitFor()
    expect(await page.getByRole('region', { name: 'Users' }).count()).toBe(0)
    expect(page.complaints).toEqual([])
  })
})
