import type { Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addDeadLetter, seedHub } from '../../http/rows.ts'
import { hasBrowser, type Site, startSite, useSite } from '../browser.ts'

/** Every list of the page: its address, what it asks the hub, and a filter that nothing passes. */
const LISTS: [path: string, asks: string, filter: string | null, never: string][] = [
  ['/syncs', 'syncs', 'state=paused', 'No sync yet.'],
  ['/runs', 'runs', 'sync=nobody', 'Nothing has run yet.'],
  ['/queues', 'queues', 'connection=nobody', 'No queue yet.'],
  ['/dead-letters', 'dead-letters', 'code=CSW-3008', 'No dead letter.'],
  ['/webhooks', 'events', 'state=dead', 'No event yet.'],
  ['/webhooks', 'subscriptions', null, 'None. Connectors that can order'],
  ['/conflicts', 'conflicts', 'sync=nobody', 'No conflict.'],
  ['/reviews', 'entity-reviews', 'state=rejected', 'Nothing to review.'],
  ['/connections', 'connections', 'state=paused', 'No connection yet.'],
  ['/connectors', 'connectors', 'name=nobody', 'No connector.'],
  ['/audit', 'audit', 'actor=nobody', 'Nothing was done by anybody yet.'],
  ['/timeline', 'timeline', 'since=2100-01-01T00%3A00%3A00.000Z', 'Nothing has happened yet.'],
  ['/changes', 'configuration/versions', null, 'None was kept yet.'],
  ['/changes', 'configuration', 'name=nobody', 'The hub has not read its files yet.'],
  ['/queues', 'workers', null, 'No worker has told of itself.'],
  ['/webhooks', 'webhook-intake', null, 'Nothing has come'],
  ['/entities', 'entities', null, 'No entity type yet.'],
  ['/landscape', 'syncs', null, 'No system yet.'],
  ['/playground', 'syncs', null, 'No sync yet.'],
  ['/settings', 'tokens', null, 'No token yet.'],
  ['/settings', 'users', null, 'Nobody yet'],
  ['/settings', 'secrets', null, 'No secret is kept here'],
  ['/settings', 'alerts', null, 'Nobody is told of trouble'],
]
/** The hub of the tests has some, so that its answers are emptied on their way. */
const FILLED = ['configuration', 'secrets', 'alerts']

/** The answer as it came, without what is listed in it. */
const emptied = async (route: Route): Promise<void> => {
  const response = await route.fetch()
  const json = (await response.json()) as Record<string, unknown>
  const lists = Object.entries(json).map(([name, value]) => [name, Array.isArray(value) ? [] : value])
  await route.fulfill({ response, json: Object.fromEntries(lists) })
}

describe.skipIf(!hasBrowser)('every list has its four states', () => {
  let site: Site
  useSite(async () => {
    site = await startSite({ services: { connectors: () => [] } })
    return site
  })

  test.for(LISTS)('%s, %s', async ([path, asks, filter, never]) => {
    const page = await site.open('about:blank')
    const question = new RegExp(`/api/v1/${asks}(\\?|$)`)
    const held = Promise.withResolvers<void>()
    if (FILLED.includes(asks)) await page.route(new RegExp(`/api/v1/${asks}($|\\?)`), emptied)
    await page.route(question, async (route) => {
      await held.promise
      await route.fallback()
    })
    await page.goto(site.hub.url + path)
    await page.locator('.loading').first().waitFor()
    // Grey bars are for the eye; others are told in words, once.
    await expect.poll(() => page.locator('.loading[role=status]').first().textContent()).toBe('Loading')
    held.resolve()
    await page.locator('.nothing', { hasText: never }).waitFor()
    expect(await page.getByText('Nothing matches').count()).toBe(0)

    await page.unroute(question)
    if (filter !== null) {
      await page.goto(`${site.hub.url}${path}?${filter}`)
      await page.getByText('Nothing matches the filter.').waitFor()
      await page.getByRole('button', { name: 'Clear the filter' }).click()
      await page.locator('.nothing', { hasText: never }).waitFor()
      await expect.poll(() => page.url()).not.toContain(filter)
    }

    await page.route(question, (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          type: 'about:blank',
          title: 'Not now',
          status: 503,
          detail: 'The database does not answer.',
          fix: 'Start it.',
          code: 'CSW-6001',
          requestId: 'request-42',
        }),
      }),
    )
    await page.reload()
    const alert = page.getByRole('alert').filter({ hasText: 'CSW-6001' }).first()
    await alert.waitFor()
    // Held, or a page that heals by itself may take the button away before it is pressed.
    await page.getByRole('button', { name: 'Live', exact: true }).click()
    await expect
      .poll(() => alert.textContent())
      .toMatch(/The database does not answer\.Start it\.Code CSW-6001 · request request-42/)
    await page.unroute(question)
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.nothing', { hasText: never }).waitFor()
    expect(page.complaints).toEqual([])
  })
})

describe.skipIf(!hasBrowser)('addresses that were typed', () => {
  let site: Site
  useSite(async () => {
    site = await startSite()
    return site
  })

  test('what is wrong in one is said once, with what would be right; a filter that is empty is none', async () => {
    const page = await site.open('/runs?outcome=faild')
    const alert = page.getByRole('alert')
    await expect
      .poll(() => alert.textContent())
      .toMatch(/^outcome: "faild" is not one of .*Did you mean "failed"\?Code CSW-8003/)
    expect((await alert.textContent())!.split('faild').length).toBe(2)
    await page.goto(`${site.hub.url}/sync?name=nobody`)
    await expect.poll(() => alert.textContent()).toMatch(/^There is no sync "nobody"\.Correct the name or number\./)
    await page.goto(`${site.hub.url}/records?key=`)
    await page.getByText('Looks into every stream').waitFor()
    expect(await alert.count()).toBe(0)
  })
})

describe.skipIf(!hasBrowser)('an outage at a glance', () => {
  let site: Site
  beforeAll(async () => {
    site = await startSite()
    const { sync } = await seedHub(site.hub.pool)
    for (const [code, fingerprint] of [
      ['CSW-3008', 'vat'],
      ['CSW-3008', 'e-mail'],
      ['CSW-5004', 'doubt'],
    ] as const) {
      await addDeadLetter(site.hub.pool, sync, fingerprint, code, fingerprint)
      await site.hub.pool.query(
        `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error)
         select kind, sync_id, record_id || n, part, code, fingerprint, error
           from dead_letter, generate_series(2, 500) n where fingerprint = $1`,
        [fingerprint],
      )
    }
  })
  afterAll(() => site?.close())

  test('three causes of 500 failures each are three rows, each with its count, what it means and what to do', async () => {
    const page = await site.open('/')
    const rows = page.getByRole('region', { name: 'Open problems' }).last().locator('tbody tr')
    await rows.nth(2).waitFor()
    const told = expect.stringMatching(/needs you[\s\S]*500[\s\S]*CSW-\d{4}/)
    await expect.poll(() => rows.allTextContents()).toEqual([told, told, told])
    await expect.poll(() => page.locator('[data-verdict]').textContent()).toContain('3 problems need you')
  })

  test('states are told by shape and word, and nothing moves for those who want it still', async () => {
    const page = await site.open('/')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.locator('.mark').first().waitFor()
    for (const mark of await page.locator('.mark').all()) {
      await expect.poll(() => mark.locator('svg path, svg circle').count()).toBeGreaterThan(0)
      expect((await mark.textContent())?.trim()).not.toBe('')
    }
    await expect.poll(() => page.locator('[data-verdict]').getAttribute('aria-live')).toBe('polite')
    for (const path of ['/landscape', '/runs', '/dead-letters']) {
      await page.goto(site.hub.url + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect(await page.evaluate('document.getAnimations().filter((one) => one.playState === "running").length')).toBe(
        0,
      )
    }
    await page.emulateMedia({ reducedMotion: null })
  })
})
