/** bull-board behind our log-in: its own page under our policy, before a real queue. */
import { describe, expect, test } from 'vitest'
import { openQueueOf } from '../../http/queue-hub.ts'
import { expectAccessible, hasBrowser, type Site, startSite, useSite } from '../browser.ts'

describe.skipIf(!hasBrowser)('bull-board', () => {
  let site: Site

  useSite(async () => {
    const { queue, end } = await openQueueOf()
    const started = await startSite({ services: { readQueueBoard: (path, query) => queue.readBoard(path, query) } })
    site = {
      ...started,
      close: async () => {
        await started.close()
        await end()
      },
    }
    return site
  })

  test('opens from the page of queues and shows running and failed jobs, asking nobody else', async () => {
    const page = await site.open('/queues', { own: true })
    const complaints: string[] = []
    const foreign: string[] = []
    page.context().on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text())
    })
    page.context().on('request', (request) => {
      if (!request.url().startsWith(site.hub.url) && !request.url().startsWith('data:')) foreign.push(request.url())
    })
    const opened = page.context().waitForEvent('page')
    await page.getByRole('link', { name: 'bull-board' }).click()
    const board = await opened
    board.on('pageerror', (error) => complaints.push(error.message))
    for (const colorScheme of ['light', 'dark'] as const) {
      await board.emulateMedia({ colorScheme })
      await board.goto(`${site.hub.url}/admin/queues/queue/push?status=failed`)
      await board.getByText('CSW-1001').first().waitFor()
      await expectAccessible(board)
      for (const tab of ['Data', 'Options', 'Logs']) {
        await board.getByRole('tab', { name: tab }).click()
        await expectAccessible(board)
      }
      await board.getByRole('link', { name: /^#/ }).first().click()
      await board.waitForURL(/\/queue\/push\/\w/)
      await board.getByRole('tab', { name: 'Data' }).waitFor()
      await expectAccessible(board)
      await board.goto(`${site.hub.url}/admin/queues/queue/push?status=active`)
      await board.getByText('busy').first().waitFor()
      await expectAccessible(board)
      await board.goto(`${site.hub.url}/admin/queues/`)
      await board.getByText('Failed').first().waitFor()
      await expectAccessible(board)
    }
    expect(await board.getByRole('button', { name: /retry|pause|obliterate|promote|clean/i }).count()).toBe(0)
    expect(complaints).toEqual([])
    expect(foreign).toEqual([])
  })

  test('leads to the log-in who is not logged in', async () => {
    const page = await site.open('/admin/queues', { signedIn: false })
    await page.getByLabel('Admin token').waitFor()
    expect(new URL(page.url()).pathname).toBe('/queues')
  })
})
