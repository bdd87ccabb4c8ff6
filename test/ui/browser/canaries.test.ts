/** Every page of a hub that holds a canary person and canary secrets: what stands there, what was fetched for it, what the console says. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { wordsIn } from '../../canary-words.ts'
import { addressesOfThePage, canaryHub } from '../../e2e/canary-hub.ts'
import { TOKEN } from '../../http/hub.ts'
import { madeOnce } from '../../made-once.ts'
import { hasBrowser, startSite } from '../browser.ts'

/** Each address with what it is to show. `people`: records stand there, or what systems said of them, and whoever is in them. */
const PAGES: Record<string, { path?: string; people?: true }> = {
  // Causes, in the words of the systems, as on the pages of a sync and of runs.
  '/': { people: true },
  '/syncs': {},
  '/sync': { path: '/sync?name=contacts', people: true },
  '/runs': { people: true },
  '/run': { path: '/run?id=1', people: true },
  '/queues': {},
  '/dead-letters': { people: true },
  '/dead-letter': { path: '/dead-letter?id=LETTER', people: true },
  '/records': { path: '/records?key=plain', people: true },
  '/record': { path: '/record?stream=peer:contacts&id=plain', people: true },
  '/entities': { people: true },
  '/entity': { path: '/entity?type=person&id=1', people: true },
  '/reviews': { people: true },
  '/conflicts': { people: true },
  '/playground': { path: '/playground?sync=contacts', people: true },
  '/landscape': {},
  '/timeline': {},
  '/changes': {},
  '/version': { path: '/version?id=1' },
  '/docs': {},
  '/audit': {},
  '/settings': {},
  '/system': {},
  '/webhooks': { people: true },
  '/connections': {},
  '/connectors': {},
  '/connector': { path: '/connector?name=peer' },
  '/authorised': {},
  '/connection': { path: '/connection?name=peer' },
}

/** What a page was sent and said since it was asked last. */
class Watched {
  readonly page: Page
  #texts: Promise<string>[] = []
  #console: string[] = []
  #open = 0
  #lastAt = 0

  constructor(page: Page) {
    this.page = page
    const isNews = (url: string): boolean => new URL(url).pathname.endsWith('/feed')
    page.on('console', (message) => this.#console.push(message.text()))
    page.on('pageerror', (error) => this.#console.push(String(error)))
    page.on('request', (request) => this.#moved(isNews(request.url()) ? 0 : 1))
    page.on('requestfailed', (request) => this.#moved(isNews(request.url()) ? 0 : -1))
    page.on('requestfinished', (request) => this.#moved(isNews(request.url()) ? 0 : -1))
    page.on('response', (response) => {
      if (isNews(response.url())) return
      const headers = JSON.stringify(response.headers())
      this.#texts.push(
        response.text().then(
          (text) => `${response.url()} ${headers} ${text}`,
          () => '',
        ),
      )
    })
  }

  #moved(by: number): void {
    this.#open += by
    this.#lastAt = Date.now()
  }

  /** Goes there and waits until it shows something and asks for nothing more. */
  async visit(address: string): Promise<{ shown: string; fetched: string; said: string }> {
    this.#texts = []
    this.#console = []
    this.#open = 0
    await this.page.goto(address)
    await this.page.getByRole('heading', { level: 1 }).first().waitFor()
    await expect.poll(() => this.#open <= 0 && Date.now() - this.#lastAt > 700, { timeout: 90_000 }).toBe(true)
    const shown = await this.page.evaluate<string>(
      `document.documentElement.outerHTML + ' ' + document.body.innerText + ' ' +
         [...document.querySelectorAll('input, textarea')].map((field) => field.value).join(' ')`,
    )
    return { shown, fetched: (await Promise.all(this.#texts)).join('\n'), said: this.#console.join('\n') }
  }
}

describe.skipIf(!hasBrowser)('canaries', () => {
  test('a secret is on no page, and a person only where records are, or what systems said of them', {
    timeout: 600_000,
  }, async () => {
    const addresses = await addressesOfThePage()
    expect(Object.keys(PAGES).sort(), 'every page is walked').toEqual(addresses.sort())
    // The tab signs in with the token that it knows.
    const hub = await canaryHub(TOKEN)
    const site = await startSite()
    try {
      const page = await site.open('about:blank', { own: true })
      const built = await madeOnce('page')
      // A hub of the checkout has no page, or one that was built some time ago.
      await page.route(
        ({ origin, pathname }) =>
          origin === hub.url && (pathname.startsWith('/assets/') || !/^\/api\/|\.\w+$/.test(pathname)),
        (route) => {
          const { pathname } = new URL(route.request().url())
          return route.fulfill({ path: join(built, /\.\w+$/.test(pathname) ? pathname : 'index.html') })
        },
      )
      const watched = new Watched(page)
      const found: string[] = []
      const seen = new Set<string>()
      for (const [address, { path = address, people }] of Object.entries(PAGES)) {
        const there = await watched.visit(hub.url + path.replace('LETTER', String(hub.letter)))
        expect(there.shown.length, address).toBeGreaterThan(500)
        for (const [where, text] of Object.entries(there)) {
          const persons = wordsIn(text, hub.person)
          for (const word of [...wordsIn(text, hub.secrets), ...(people && where !== 'said' ? [] : persons)])
            found.push(`${address} ${where}: ${word}`)
          if (where === 'shown') for (const word of persons) seen.add(word)
        }
      }
      expect(found).toEqual([])
      // Else this would look in a way that finds nobody.
      expect([...seen].sort()).toEqual([...hub.person].sort())
    } finally {
      await site.close()
    }
  })
})
