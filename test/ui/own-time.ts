import type { CDPSession, Page } from 'playwright-core'

/** Slows the processor of a tab down, by waiting on its main thread, and begins to count what that thread works. */
export async function slowDown(page: Page, times: number): Promise<CDPSession> {
  const meter = await page.context().newCDPSession(page)
  // Ticks of the thread, not of the clock: a machine with other work does not make the page look slow.
  await meter.send('Performance.enable', { timeDomain: 'threadTicks' })
  await meter.send('Emulation.setCPUThrottlingRate', { rate: times })
  return meter
}

/**
 * What the main thread of the tab has worked since, in milliseconds, the slowing down included; without what a test asked it (what is on the
 * page, again and again), which Chromium counts apart.
 */
export async function ownTime(meter: CDPSession): Promise<number> {
  const { metrics } = await meter.send('Performance.getMetrics')
  const secondsOf = (wanted: string): number => {
    const metric = metrics.find(({ name }) => name === wanted)
    if (!metric) throw new Error(`the browser does not tell its ${wanted}`)
    return metric.value
  }
  return (secondsOf('TaskDuration') - secondsOf('DevToolsCommandDuration')) * 1_000
}
