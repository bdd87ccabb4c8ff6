import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/access/index.ts'
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub, keepVersions, type Lively } from '../lively-hub.ts'

const PASSWORD = 'a long enough password'
/** Nobody is there. */
const PROVIDER = {
  issuer: 'http://127.0.0.1:1',
  clientId: 'causeway',
  clientSecret: null,
  label: 'Example SSO',
  scopes: 'openid',
  roleClaim: 'groups',
  roles: 'admins=admin',
  allow: '127.0.0.1:1',
  publicUrl: 'http://hub.example.org',
}

/** What comes back resolves when the page has waited for no answer for a second; the stream of events, which never ends, is left out. */
function followQuestions(page: Page): () => Promise<void> {
  const open = new Set<unknown>()
  let quietSince = Date.now()
  page.on('request', (request) => {
    if (!request.url().endsWith('/api/v1/feed')) open.add(request)
  })
  const settle = (request: unknown): void => {
    if (open.delete(request)) quietSince = Date.now()
  }
  page.on('requestfinished', settle)
  page.on('requestfailed', settle)
  return () => expect.poll(() => open.size === 0 && Date.now() - quietSince > 1_000).toBe(true)
}

describe.skipIf(!hasBrowser)('what one may not do', () => {
  let site: Site
  let ids: Lively
  /** A version of the configuration that is not in force. */
  let former: number

  useSite(async () => {
    site = await startSite({ provider: PROVIDER })
    ids = await fillHub(site.hub.pool)
    former = await keepVersions(site.hub.pool)
    for (const role of ['viewer', 'operator', 'editor'] as const)
      await site.hub.post('/api/v1/users', { name: role, role, password: PASSWORD })
    return site
  })

  async function openAs(role: Role) {
    const page = await site.open('/', { signedIn: false })
    await page.getByLabel('User name').fill(role)
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText('Waiting, late or stopped').waitFor()
    return page
  }

  test('a viewer may press every button of every page, and nothing is asked for that the hub would refuse', async () => {
    const page = await openAs('viewer')
    const refused: string[] = []
    const answered = followQuestions(page)
    page.on('response', (answer) => {
      if (answer.status() === 403) refused.push(`${answer.request().method()} ${answer.url()}`)
    })
    let withheld = 0
    for (const path of [
      '/syncs',
      '/sync?name=contacts-to-erp',
      `/run?id=${ids.failedRun}`,
      '/dead-letters',
      `/dead-letter?id=${ids.deadLetters[0]}`,
      '/connection?name=helpdesk',
      '/webhooks',
      '/changes',
      `/version?id=${former}`,
      '/audit',
      '/playground',
      '/system',
    ]) {
      await page.goto(site.hub.url + path)
      await page.locator('h1').waitFor()
      // What a page shows late is what its lists bring.
      await answered()
      for (const button of await page.locator('main button:visible').all()) {
        if ((await button.getAttribute('aria-disabled')) === 'true') withheld++
        await button.click({ force: true })
        // What opened is closed again, without doing it.
        await page.keyboard.press('Escape')
      }
    }
    expect(withheld).toBeGreaterThan(12)
    expect(refused).toEqual([])
  })

  test('the reason stands at the button, for keyboard and pointer; pages of others are not offered and say why', async () => {
    const page = await openAs('viewer')
    await page.getByText('viewer', { exact: true }).first().waitFor()
    expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(0)
    await page.goto(`${site.hub.url}/audit`)
    await page.getByText('needs the scope audit:read, which the role admin has').waitFor()
    await page.goto(`${site.hub.url}/dead-letter?id=${ids.deadLetters[0]}`)
    const requeue = page.getByRole('button', { name: 'Requeue' })
    await page.locator('button[aria-disabled=true]', { hasText: 'Requeue' }).waitFor()
    await expect.poll(() => requeue.getAttribute('title')).toContain('letters:operate, which the role operator has')
    await requeue.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('You may not do this as viewer').waitFor()
    await expectAccessible(page)
    const { rows } = await site.hub.pool.query('select state from dead_letter where id = $1', [ids.deadLetters[0]])
    expect(rows).toEqual([{ state: 'open' }])
  })

  test('who may not read records reads what a code means and which scope shows what was said, and not that', async () => {
    const made = await site.hub.post('/api/v1/tokens', { name: 'watcher', role: 'viewer', scopes: ['hub:read'] })
    const { secret } = (await made.json()) as { secret: string }
    const { rows } = await site.hub.pool.query<{ what: string }>(
      `update run set error = jsonb_set(error::jsonb, '{what}', '"Ada Lovelace is blocked"') where id = $1
       returning error::jsonb ->> 'what' as what`,
      [ids.failedRun],
    )
    expect(rows[0]?.what).toBe('Ada Lovelace is blocked')
    const page = await site.open('/', { signedIn: false })
    await page.getByLabel('Admin token').fill(secret)
    await page.keyboard.press('Enter')
    await page.getByText('Waiting, late or stopped').waitFor()
    await page.goto(`${site.hub.url}/run?id=${ids.failedRun}`)
    await page.getByText('What was said is shown to who may read records (records:read).').first().waitFor()
    expect(await page.getByText('Ada Lovelace').count()).toBe(0)
    await expectAccessible(page)
    await site.closeTabs()
    const reader = await openAs('viewer')
    await reader.goto(`${site.hub.url}/run?id=${ids.failedRun}`)
    await reader.getByText('Ada Lovelace is blocked').first().waitFor()
  })

  test('each role has the buttons that are its own', async () => {
    for (const [role, own] of [
      ['operator', ['Requeue', 'Discard…']],
      ['editor', ['Requeue', 'Correct…', 'Discard…']],
    ] as const) {
      const page = await openAs(role)
      await page.goto(`${site.hub.url}/dead-letter?id=${ids.deadLetters[0]}`)
      const bar = page.locator('main button', { hasText: /^(Requeue|Correct…|Discard…)$/ })
      await page.getByText('What happened').waitFor()
      await expect.poll(() => bar.and(page.locator(':not([aria-disabled=true])')).allTextContents()).toEqual([...own])
      // Files of a former version are written back by editors.
      await page.goto(`${site.hub.url}/version?id=${former}`)
      const back = page.getByRole('button', { name: 'Go back to it…' })
      await back.waitFor()
      await expect.poll(() => back.getAttribute('aria-disabled')).toBe(role === 'editor' ? null : 'true')
      await site.closeTabs()
    }
  })

  test('who loses a role while a dialog is open is told so by the hub’s refusal', async () => {
    const page = await openAs('operator')
    await page.goto(`${site.hub.url}/sync?name=contacts-to-erp`)
    await page.getByRole('button', { name: 'Pause contacts-to-erp' }).click()
    await site.hub.pool.query(`update hub_user set role = 'viewer' where name = 'operator'`)
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
    const said = page.getByRole('dialog').getByRole('alert')
    await said.waitFor()
    await expect
      .poll(() => said.textContent())
      .toMatch(/may not do this\.[\s\S]*lacks the scope syncs:operate[\s\S]*CSW-8011/)
    await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).click()
    await page.locator('button[aria-disabled=true]', { hasText: 'Pause' }).waitFor()
    await site.hub.pool.query(`update hub_user set role = 'operator' where name = 'operator'`)
  })

  test('a login at a provider that fails ends on the sign-in page, which says why, once', async () => {
    const page = await site.open('/', { signedIn: false })
    await page.getByRole('link', { name: 'Sign in with Example SSO' }).click()
    const said = page.getByRole('alert')
    await said.waitFor()
    await expect
      .poll(() => said.textContent())
      .toMatch(/nothing listens there[\s\S]*Code CSW-3001 · request [0-9a-f]{8}-/)
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/')
    await expectAccessible(page)
    await page.reload()
    await page.getByLabel('User name').waitFor()
    expect(await said.count()).toBe(0)
    expect(page.complaints).toEqual([])
  })
})
