import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { slowness } from '../../cli/processor-time.ts'
import { hasBrowser, type Site, startSite } from '../browser.ts'
import { addBacklog, fillHub } from '../lively-hub.ts'
import { ownTime, slowDown } from '../own-time.ts'

/** A processor a quarter as fast, as that of an old laptop or a phone. */
const SLOWER = 4
const USABLE_MS = 1_500

/** Carried out in the page: the verdict stands, and the first problem can be followed. */
const IS_USABLE = `document.querySelector('[data-verdict]') !== null &&
  [...document.links].some((link) => link.textContent === 'The target refused this record.')`

describe.skipIf(!hasBrowser)('what the page costs its reader', () => {
  let site: Site
  beforeAll(async () => {
    site = await startSite()
    await addBacklog(site.hub.pool, await fillHub(site.hub.pool), 5)
  })
  afterEach(() => site?.closeTabs())
  afterAll(() => site?.close())

  /** How long the page itself works until home is usable, in milliseconds. */
  async function homeTakes(): Promise<number> {
    const page = await site.open('about:blank', { own: true })
    const meter = await slowDown(page, SLOWER)
    const began = performance.now()
    await page.goto(site.hub.url, { waitUntil: 'commit' })
    // Asked from here: a locator would look for it in the page itself, with every frame, and that is not the page's work.
    await expect.poll(() => page.evaluate(IS_USABLE), { interval: 20 }).toBe(true)
    const wallMs = performance.now() - began
    const ownMs = await ownTime(meter)
    console.log(`home: ${Math.round(ownMs)} ms of its own time, ${Math.round(wallMs)} ms on the clock`)
    await site.closeTabs()
    return ownMs
  }

  test('home is usable within 1.5 seconds on a processor a quarter as fast', async () => {
    const takes: number[] = []
    const shares: number[] = []
    // The best of three, each held against how fast the machine is in that moment: what else it does can only add, caches that others emptied included.
    for (let i = 0; i < 3 && !shares.some((share) => share < 1); i++) {
      const allowed = USABLE_MS * slowness()
      takes.push(await homeTakes())
      shares.push(takes.at(-1)! / allowed)
    }
    expect(Math.min(...takes)).toBeGreaterThan(50)
    expect(Math.min(...shares)).toBeLessThan(1)
  })
})
