import type { Page } from 'playwright-core'

/** Of an event of Chromium's trace: `tdur` is the time of its thread in microseconds, not that of the clock. */
type TraceEvent = {
  name: string
  ph: string
  pid: number
  tid: number
  dur: number
  tdur?: number
  args: { name?: string }
}

/**
 * The longest that the main thread of a page was busy at a stretch during `act`, in milliseconds of its own time: the API for long tasks goes
 * by the clock, and on a machine with other work tells how long the thread was kept waiting.
 */
export async function longestTask(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = page.context().browser()
  if (!browser) throw new Error('a tab without a browser cannot be traced')
  await browser.startTracing(page, { categories: ['-*', '__metadata', 'disabled-by-default-devtools.timeline'] })
  await act()
  // What was drawn last has to be painted.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
  const main = new Set(
    trace.traceEvents.filter(({ args }) => args.name === 'CrRendererMain').map((event) => threadOf(event)),
  )
  const times = trace.traceEvents
    .filter((event) => event.name === 'RunTask' && event.ph === 'X' && main.has(threadOf(event)))
    .map(({ tdur, dur }) => (tdur ?? dur) / 1_000)
  return Math.max(...times)
}
