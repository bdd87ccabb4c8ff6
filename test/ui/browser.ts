/** The built page in a real browser, in front of a real server and database. */
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { atEndOfFile } from '../end-of-file.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { madeOnce } from '../made-once.ts'

const CHROMIUM = '/usr/bin/chromium'

/** Machines without a browser leave these tests out and say so; CI demands them. */
export const hasBrowser = existsSync(CHROMIUM) || process.env.CAUSEWAY_REQUIRE_BROWSER === '1'
if (!hasBrowser)
  console.warn(`The page is not tested: ${CHROMIUM} is missing. Debian: apt-get install chromium. CI demands it.`)

type OpenPage = Page & {
  /** What the browser complained about: script errors and breaches of the content security policy. */
  complaints: string[]
}

/** `own`: not the tab that the tests before have used, for what a tab keeps for good (a clock, a cache). */
type OpenOptions = BrowserContextOptions & { signedIn?: boolean; own?: boolean }

export type Site = {
  hub: TestHub
  /** Opens an address of the hub, or a whole one; signed in unless told otherwise, and in a tab of its own if anything is told. */
  open(path: string, options?: OpenOptions): Promise<OpenPage>
  /** Leaves all pages: each that stays open goes on asking and takes time from the others. */
  closeTabs(): Promise<void>
  close(): Promise<void>
}

/** Starts the hub, in front of it the page that is built once per run, and the browser. */
export async function startSite(options: Parameters<typeof startHub>[0] = {}): Promise<Site> {
  const hub = await startHub({ ...options, pageFolder: await madeOnce('page') })
  /** A tab takes two seconds of processor time before it shows anything, so it is emptied rather than closed. */
  let usual: OpenPage | undefined
  return {
    hub,
    open: async (path, wishes) => {
      const page = wishes ? await newTab(wishes) : (usual ?? (await newTab({})))
      if (!wishes) usual = page
      page.complaints.length = 0
      await page.goto(path.startsWith('/') ? hub.url + path : path)
      return page
    },
    closeTabs: async () => {
      if (usual) await empty(usual)
      const tabs = (await browser()).contexts().filter((tab) => tab !== usual?.context())
      await Promise.all(tabs.map((tab) => tab.close()))
    },
    close: async () => {
      await usual?.context().close()
      await hub.close()
    },
  }
}

/** The site that the tests of a group share. A first try may leave data changed: the second one gets a hub of its own, set up anew. */
export function useSite(setUp: () => Promise<Site>): void {
  let site: Site | undefined
  const tried = new Set<string>()
  beforeAll(async () => {
    site = await setUp()
  })
  beforeEach(async ({ task }) => {
    if (tried.has(task.id)) {
      await site?.close()
      site = await setUp()
    }
    tried.add(task.id)
  })
  afterEach(() => site?.closeTabs())
  afterAll(() => site?.close())
}

let launched: Promise<Browser> | undefined

/** One per file. */
function browser(): Promise<Browser> {
  if (launched) return launched
  // Chromium's own sandbox does not work for root in a container; what is shown here is ours alone.
  launched = chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  atEndOfFile(async () => {
    await (await launched)?.close()
    launched = undefined
  })
  return launched
}

async function newTab({ signedIn = true, own: _, ...context }: OpenOptions): Promise<OpenPage> {
  const tab = await (await browser()).newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...context })
  tab.setDefaultTimeout(90_000)
  if (signedIn)
    await tab.addInitScript(
      `if (location.protocol === 'http:') sessionStorage.setItem('causeway.admin-token', '${TOKEN}')`,
    )
  const page = Object.assign(await tab.newPage(), { complaints: [] as string[] })
  page.on('pageerror', (error) => page.complaints.push(error.message))
  page.on('console', (message) => {
    // A refused or cut request is reported as an error too; whether it should have been refused is the tests' business.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      page.complaints.push(message.text())
  })
  return page
}

/** Leaves nothing of a test in the tab: no page, no storage, no look of its own, no routes. */
async function empty(page: OpenPage): Promise<void> {
  page.removeAllListeners('request')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  if (page.url().startsWith('http')) await page.evaluate('localStorage.clear(); sessionStorage.clear()')
  await page.goto('about:blank')
  await page.context().clearCookies()
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize({ width: 1280, height: 720 })
}

/** Looked at in the page itself: without frames there is nothing to gather in a tab of its own, which is what it costs most. */
const axe = (page: Page): AxeBuilder =>
  new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] })

/** What is not accessible, one line for each. */
async function faultsOf(look: AxeBuilder): Promise<string[]> {
  const { violations } = await look.analyze()
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target} ${node.failureSummary}`))
}

const demanding = process.env.CAUSEWAY_REQUIRE_BROWSER === '1'
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 768, 360].map((width) => ({ colorScheme, width })),
)

export const expectAccessible = async (page: Page): Promise<void> => expect(await faultsOf(axe(page))).toEqual([])

/** No accessibility fault, nothing that scrolls sideways and no complaint, in every scheme and width; `foreign` is drawn by others. */
export async function expectGoodLooks(page: OpenPage, foreign?: string): Promise<void> {
  // Two of the six looks unless CI asks, so that nobody has to wait for all.
  for (const { colorScheme, width } of demanding ? looks : [looks[0]!, looks[5]!]) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor()
    const look = axe(page)
    if (foreign) look.exclude(foreign)
    // What colours do not change was looked at in the other scheme.
    if (!demanding && colorScheme === 'dark') look.withRules(['color-contrast', 'scrollable-region-focusable'])
    expect(await faultsOf(look), `${colorScheme} ${width}`).toEqual([])
    await expect
      .poll(() => page.evaluate('document.documentElement.scrollWidth'), { message: 'width of the page' })
      .toBeLessThanOrEqual(width)
  }
  expect(page.complaints).toEqual([])
}
