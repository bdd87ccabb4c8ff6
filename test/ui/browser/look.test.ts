import { describe, expect, test } from 'vitest'
import { TOKEN } from '../../http/hub.ts'
import { expectAccessible, expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { addBacklog, fillHub, HOSTILE, type Lively } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('the page', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite()
    ids = await fillHub(site.hub.pool)
    await addBacklog(site.hub.pool, ids, 5)
    return site
  })

  /** Every page with a word that stands there when its data has come. */
  const pages: [name: string, path: () => string, word: string][] = [
    ['home', () => '/', 'Waiting, late or stopped'],
    ['syncs', () => '/syncs', 'files-to-docs'],
    ['sync', () => '/sync?name=contacts-to-erp', 'erp:customers'],
    ['runs', () => '/runs', 'created'],
    ['run', () => `/run?id=${ids.failedRun}`, 'crm.example.org does not answer.'],
    ['queues', () => '/queues', 'nobody works'],
    ['dead letters', () => '/dead-letters', 'vat-2'],
    ['dead letter', () => `/dead-letter?id=${ids.deadLetters[0]}`, 'mappings/contacts-to-erp.yaml:12:7'],
    ['records', () => '/records?key=c1', 'present'],
    ['record', () => '/record?stream=crm:contacts&id=c1', 'First seen'],
    ['entities', () => '/entities', 'No entity type yet.'],
    ['reviews', () => '/reviews', 'Nothing to review.'],
    ['conflicts', () => '/conflicts', 'No conflict.'],
    ['webhooks', () => '/webhooks', 'Nothing has come.'],
    ['connectors', () => '/connectors', 'Demo CRM'],
    ['connections', () => '/connections', 'The refresh token was revoked.'],
    ['connection', () => '/connection?name=crm', 'demo-crm'],
    ['nowhere', () => '/nowhere', 'There is nothing under this address.'],
  ]

  test.for(pages)(
    '%s has no accessibility fault in any look and obeys the policy',
    { timeout: 300_000 },
    async ([, path, word]) => {
      const page = await site.open(path())
      await page.getByText(word).first().waitFor()
      await expectGoodLooks(page)
    },
  )

  test('the dialogs and the sign-in have no accessibility fault either', async () => {
    const page = await site.open('/', { signedIn: false })
    await page.getByLabel('Admin token').waitFor()
    await expectAccessible(page)
    await page.getByLabel('Admin token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Dead letters' }).click()
    await page.getByRole('button', { name: 'Requeue all of these…' }).click()
    await page.getByRole('button', { name: 'Requeue 4' }).waitFor()
    await expectAccessible(page)
    expect(page.complaints).toEqual([])
  })

  test('loads from the hub alone, less than 250 kB, and may be cached', async () => {
    const page = await site.open('about:blank', { own: true })
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(site.hub.url)) foreign.push(request.url())
    })
    await page.goto(site.hub.url)
    await page.locator('[data-verdict]').waitFor()
    expect(foreign).toEqual([])
    const total = await page.evaluate<number>(
      `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
         .filter((entry) => !entry.name.includes('/api/')).reduce((sum, entry) => sum + entry.encodedBodySize, 0)`,
    )
    expect(total).toBeGreaterThan(50_000)
    expect(total).toBeLessThan(250_000)
    const script = await page.locator('script[src]').getAttribute('src')
    const gzipped = await fetch(site.hub.url + script, { headers: { 'accept-encoding': 'gzip' } })
    expect(gzipped.headers.get('content-encoding')).toBe('gzip')
    expect(gzipped.headers.get('cache-control')).toContain('immutable')
    expect((await gzipped.arrayBuffer()).byteLength).toBeGreaterThan(total)
  })

  test('scripts that are not the page’s own do not run', async () => {
    const page = await site.open('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.evaluate(`{
      const script = document.createElement('script'); script.textContent = 'globalThis.hacked = 1'; document.body.append(script)
      const style = document.createElement('style'); style.textContent = 'h1 { color: rgb(1, 2, 3) !important }'; document.head.append(style)
    }`)
    expect(await page.evaluate('globalThis.hacked')).toBeUndefined()
    expect(await page.evaluate(`getComputedStyle(document.querySelector('h1')).color`)).not.toBe('rgb(1, 2, 3)')
  })

  test('hostile values are text, with unseen characters made visible', async () => {
    const page = await site.open(`/records?key=${encodeURIComponent(HOSTILE.script)}`)
    await page.getByRole('link', { name: HOSTILE.script }).click()
    await page.getByRole('heading', { name: 'As received' }).waitFor()
    await expect.poll(() => page.locator('pre').first().textContent()).toContain(JSON.stringify(HOSTILE.script))
    expect(await page.evaluate('globalThis.hacked')).toBeUndefined()
    expect(await page.locator('main img').count()).toBe(0)
    await page.goto(`${site.hub.url}/record?stream=crm:contacts&id=${encodeURIComponent(HOSTILE.bidi)}`)
    await page.getByRole('heading', { name: 'As received' }).waitFor()
    await expect.poll(() => page.locator('.subtitle .unseen').textContent()).toBe('U+202E')
    // A name of 900 letters in every place of the page does not push it out of the window.
    await page.goto(`${site.hub.url}/sync?name=${HOSTILE.long}`)
    await page.getByText('CSW-8002').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false)
    expect(page.complaints).toEqual([])
  })

  test('the home page says at a glance what is wrong, one row per cause', async () => {
    const page = await site.open('/')
    const verdict = page.locator('[data-verdict]')
    await verdict.waitFor()
    await expect.poll(() => verdict.getAttribute('data-verdict')).toBe('bad')
    // Two causes of dead letters, one connection without credential, one queue nobody works on.
    await expect.poll(() => verdict.textContent()).toContain('4 problems need you')
    const problems = page.getByRole('region', { name: 'Open problems' }).last().locator('tbody tr')
    await expect.poll(() => problems.count()).toBe(2)
    await expect
      .poll(() => problems.first().textContent())
      .toMatch(/needs you[\s\S]*refused[\s\S]*data[\s\S]*erp[\s\S]*3[\s\S]*CSW-3008/)
    const standing = page.getByRole('region', { name: 'Waiting, late or stopped' }).last()
    for (const words of ['The refresh token was revoked.', 'Goes on by itself in 00:0', 'Payroll week', 'nobody works'])
      await expect.poll(() => standing.textContent()).toContain(words)
    // One click from the cause to its records.
    await page.getByRole('link', { name: 'The target refused this record.' }).click()
    await page.getByText('vat-0').waitFor()
    await expect.poll(() => page.getByRole('region', { name: 'Dead letters' }).locator('tbody tr').count()).toBe(3)
  })

  test('the backlog of each sync and each queue is shown', async () => {
    const page = await site.open('/syncs')
    const row = page.locator('tr', { hasText: 'contacts-to-erp' })
    await row.getByRole('link', { name: '8', exact: true }).click()
    const queue = page.locator('tr', { hasText: 'push' })
    await queue.waitFor()
    await expect.poll(() => queue.count()).toBe(1)
    await expect.poll(() => queue.textContent()).toMatch(/^erppushnobody works8\d+ min/)
  })

  test('follows the theme of the system and remembers another choice', async () => {
    const page = await site.open('/', { colorScheme: 'dark' })
    const scheme = (): Promise<unknown> => page.evaluate('document.documentElement.dataset.mantineColorScheme')
    const button = page.getByRole('button', { name: 'Light', exact: true })
    await button.waitFor()
    await expect.poll(() => scheme()).toBe('dark')
    await button.click()
    await expect.poll(() => scheme()).toBe('light')
    await page.reload()
    await page.getByRole('button', { name: 'Dark', exact: true }).waitFor()
    await expect.poll(() => scheme()).toBe('light')
  })
})
