/** The API reference: Swagger UI within the page, from the hub's own document. */
import { describe, expect, test } from 'vitest'
import { TOKEN } from '../../http/hub.ts'
import { expectAccessible, expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'

describe.skipIf(!hasBrowser)('the API reference', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    return site
  })

  const operations = async (): Promise<number> => {
    const answer = await fetch(`${site.hub.url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } })
    const { paths } = (await answer.json()) as { paths: Record<string, object> }
    return Object.values(paths).reduce((sum, item) => sum + Object.keys(item).length, 0)
  }

  test('lists every operation, finds some by words, and opens one, asking nobody but the hub', async () => {
    const page = await site.open('/system', { own: true })
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(site.hub.url) && !request.url().startsWith('data:')) foreign.push(request.url())
    })
    await page.getByRole('main').getByRole('link', { name: 'API reference' }).click()
    const blocks = page.locator('.opblock')
    const all = await operations()
    expect(all).toBeGreaterThan(100)
    // Of a long list only what is near the visible part stands in the page.
    const met = new Set<string>()
    const goThrough = async (): Promise<number> => {
      for (const id of await blocks.evaluateAll((found) => found.map((one) => one.id))) met.add(id)
      await page.evaluate(
        'scrollY + innerHeight < document.body.scrollHeight - 1 ? scrollBy(0, innerHeight / 2) : scrollTo(0, 0)',
      )
      return met.size
    }
    await expect.poll(goThrough, { timeout: 60_000 }).toBe(all)
    await page.getByText(`${all} of ${all} operations`).waitFor()

    await page.getByLabel('Search').fill('Requeue dead-letters/')
    await page.keyboard.press('Enter')
    const paths = async (): Promise<string[]> => {
      const shown = await blocks.locator('.opblock-summary-path').allTextContents()
      // Places where a line may break are characters without a width.
      return shown.map((path) => path.replaceAll('\u200b', '')).sort()
    }
    await expect.poll(paths).toEqual(['/api/v1/dead-letters/requeue', '/api/v1/dead-letters/{id}/requeue'])
    expect(page.url()).toContain('search=Requeue')
    await page.getByLabel('Search').fill('no such operation')
    await page.keyboard.press('Enter')
    await page.getByText(`0 of ${all} operations`).waitFor()
    await expect.poll(() => blocks.count()).toBe(0)

    await page.goto(`${site.hub.url}/docs?search=listRuns`)
    await page.locator('.opblock-summary-control').first().click()
    await page.getByText('Needs the scope hub:read (role viewer).').waitFor()
    // Nothing is sent from here, and no log-in of its own is offered.
    expect(await page.getByRole('button', { name: /try it out|execute|authorize/i }).count()).toBe(0)
    expect(foreign).toEqual([])
    expect(page.complaints).toEqual([])
  })

  test('looks right in every look', async () => {
    const page = await site.open('/docs?search=listRuns')
    await page.locator('.opblock-summary-control').first().click()
    await page.getByText('Needs the scope hub:read (role viewer).').waitFor()
    // White in Swagger UI's own light colours, on a light blue.
    const ink = () => page.evaluate("getComputedStyle(document.querySelector('.opblock-summary-method')).color")
    await expect.poll(ink).toBe('rgb(0, 0, 0)')
    await expectGoodLooks(page)
  })

  test('is accessible with several operations open, one with parameters of every kind among them', async () => {
    const page = await site.open('/docs?search=feed')
    const controls = page.locator('.opblock-summary-control')
    await controls.nth(1).waitFor()
    for (const control of await controls.all()) await control.click()
    await expect.poll(() => page.locator('table.responses-table').count()).toBe(await controls.count())
    await expectAccessible(page)
    await page.goto(`${site.hub.url}/docs?search=readyz`)
    await controls.first().click()
    await page.locator('[data-param-name=exclude] textarea').waitFor()
    await expectAccessible(page)
  })

  test('tells nobody anything who is not signed in', async () => {
    expect((await fetch(`${site.hub.url}/openapi.json`)).status).toBe(401)
    const page = await site.open('/docs', { signedIn: false })
    await page.getByLabel('Admin token').waitFor()
    expect(await page.locator('.opblock').count()).toBe(0)
    await page.getByLabel('Admin token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.locator('.opblock').first().waitFor()
    expect(page.complaints).toEqual([])
  })
})
