import type { CDPSession, Page } from 'playwright-core'

/** Slows the processor of a tab down, by waiting on its main thread, and begins to count what that thread works. */
export async function slowDown(page: Page, times: number): Promise<CDPSession> {
  const meter = await page.context().newCDPSession(page)
  // Ticks of the thread, not of the clock: a machine with other work does not make the page look slow.
  await meter.send('Performance.enable', { timeDomain: 'threadTicks' })
  await meter.send('Emulation.setCPUThrottlingRate', { rate: times })
  return meter
}

/** What the main thread of the tab has worked since, in milliseconds, the slowing down included. */
export async function ownTime(meter: CDPSession): Promise<number> {
  const { metrics } = await meter.send('Performance.getMetrics')
  const task = metrics.find(({ name }) => name === 'TaskDuration')
  if (!task) throw new Error('the browser does not tell how long its main thread works')
  return task.value * 1_000
}
