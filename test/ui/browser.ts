/** The built page in a real browser, in front of a real server and database. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'

const ROOT = join(import.meta.dirname, '../..')
const CHROMIUM = '/usr/bin/chromium'

/** Machines without a browser leave these tests out and say so; CI demands them. */
export const hasBrowser = existsSync(CHROMIUM) || process.env.CAUSEWAY_REQUIRE_BROWSER === '1'
if (!hasBrowser)
  console.warn(`The page is not tested: ${CHROMIUM} is missing. Debian: apt-get install chromium. CI demands it.`)

type OpenPage = Page & {
  /** What the browser complained about: script errors and breaches of the content security policy. */
  complaints: string[]
}

export type Site = {
  hub: TestHub
  browser: Browser
  /** Opens an address of the hub, or a whole one, in a tab of its own; signed in unless told otherwise. */
  open(path: string, options?: BrowserContextOptions & { signedIn?: boolean }): Promise<OpenPage>
  /** Closes all tabs: each that stays open goes on asking and takes time from the others. */
  closeTabs(): Promise<void>
  close(): Promise<void>
}

/** Builds the page into a folder of its own, starts the hub and the browser. */
export async function startSite(options: Parameters<typeof startHub>[0] = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-page-'))
  const config = join(ROOT, 'src/ui/vite.config.ts')
  execFileSync(join(ROOT, 'node_modules/.bin/vite'), ['build', '--config', config, '--outDir', folder], {
    stdio: 'pipe',
  })
  const hub = await startHub({ ...options, pageFolder: folder })
  // Chromium's own sandbox does not work for root in a container; what is shown here is ours alone.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  return {
    hub,
    browser,
    open: async (path, { signedIn = true, ...context } = {}) => {
      const tab = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...context })
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
      await page.goto(path.startsWith('/') ? hub.url + path : path)
      return page
    },
    closeTabs: async () => {
      await Promise.all(browser.contexts().map((tab) => tab.close()))
    },
    close: async () => {
      await browser.close()
      await hub.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const demanding = process.env.CAUSEWAY_REQUIRE_BROWSER === '1'
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 768, 360].map((width) => ({ colorScheme, width })),
)

/** No accessibility fault, nothing that scrolls sideways and no complaint, in every scheme and width. */
export async function expectGoodLooks(page: OpenPage): Promise<void> {
  // Two of the six looks unless CI asks, so that nobody has to wait for all.
  for (const { colorScheme, width } of demanding ? looks : [looks[0]!, looks[5]!]) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor()
    const axe = new AxeBuilder({ page }).options({ resultTypes: ['violations'] })
    // What colours do not change was looked at in the other scheme.
    if (!demanding && colorScheme === 'dark') axe.withRules(['color-contrast', 'scrollable-region-focusable'])
    const { violations } = await axe.analyze()
    const faults = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id} ${node.target} ${node.failureSummary}`),
    )
    expect(faults, `${colorScheme} ${width}`).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth'), 'width of the page').toBeLessThanOrEqual(width)
  }
  expect(page.complaints).toEqual([])
}
