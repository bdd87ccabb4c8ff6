import { describe, expect, test } from 'vitest'
import { registry } from '../../../src/core/errors/registry.ts'
import codes from '../../../src/ui/texts/codes.pl.json' with { type: 'json' }
import english from '../../../src/ui/texts/en.json' with { type: 'json' }
import polish from '../../../src/ui/texts/pl.json' with { type: 'json' }
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub, type Lively } from '../lively-hub.ts'

const textsOf = (catalogue: Record<string, Record<string, string>>): string[] =>
  Object.values(catalogue).flatMap((texts) => Object.values(texts))
const IN_POLISH = new Set(textsOf(polish))
/** What stands on its own in English, without anything put into it, and means nothing in Polish. */
const ONLY_ENGLISH = new Set(textsOf(english).filter((text) => !IN_POLISH.has(text) && !/[{<]/.test(text)))

/** What the hub says of its codes. */
const SENTENCES = new Set<string>(Object.values(registry).flatMap(({ meaning, action }) => [meaning, action]))

describe.skipIf(!hasBrowser)('the page in Polish', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite()
    ids = await fillHub(site.hub.pool)
    return site
  })

  // Words that the hub itself keeps (what happened, reasons of people) are not in the catalogue and stay as they are.
  test.each([
    ['/', 'Czy wszystko w porządku?'],
    ['/syncs', 'Wszystkie synchronizacje'],
    ['/runs', 'Od najnowszych'],
    ['/run', 'O przebiegu'],
    ['/dead-letters', 'Według przyczyny'],
    ['/settings', 'Kanały powiadomień'],
  ])('%s has no text of the English catalogue', async (path, heading) => {
    const page = await site.open(`${path}?lang=pl${path === '/run' ? `&id=${ids.failedRun}` : ''}`)
    await page.getByRole('heading', { name: heading }).first().waitFor()
    const read = (): Promise<string[]> =>
      page.evaluate(`(() => {
      const found = []
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      while (walker.nextNode()) {
        const own = walker.currentNode.parentElement.closest('code, pre, option[value="en"]')
        if (!own) found.push(walker.currentNode.textContent.trim())
      }
      for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]'))
        for (const name of ['title', 'aria-label', 'placeholder']) found.push(element.getAttribute(name) ?? '')
      return found
    })()`)
    await expect.poll(() => page.locator('.loading').count()).toBe(0)
    await expect.poll(async () => (await read()).length).toBeGreaterThan(30)
    const pieces = await read()
    expect(pieces.filter((piece) => ONLY_ENGLISH.has(piece) || SENTENCES.has(piece))).toEqual([])
    await expect.poll(() => page.evaluate('document.documentElement.lang')).toBe('pl')
    await expectAccessible(page)
    expect(page.complaints).toEqual([])
  })

  test('what a code means and what to do about it is said in Polish, at the problem and at the letter', async () => {
    const { meaning, action } = registry['CSW-3008']
    const page = await site.open('/?lang=pl')
    await page.getByRole('link', { name: codes[meaning] }).waitFor()
    await page.getByText(codes[action]).first().waitFor()
    await page.goto(`${site.hub.url}/sync?name=nobody&lang=pl`)
    await page.getByRole('alert').getByText(codes[registry['CSW-8002'].action].replaceAll('`', '')).waitFor()
  })

  test('the choice in the head of the page is kept over a reload, and leads back', async () => {
    const page = await site.open('/runs')
    await page.getByRole('heading', { name: 'Newest first' }).waitFor()
    await page.getByLabel('Language').selectOption('pl')
    await page.getByRole('heading', { name: 'Od najnowszych' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Od najnowszych' }).waitFor()
    await expect.poll(() => page.evaluate('document.documentElement.lang')).toBe('pl')
    await page.getByLabel('Język').selectOption('en')
    await page.getByRole('heading', { name: 'Newest first' }).waitFor()
  })
})
