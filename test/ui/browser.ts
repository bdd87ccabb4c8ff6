/** The built page in a real browser, in front of a real server and database. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
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
