import { expect, test } from 'vitest'
import { causeway, HubProcess, hubFolder, until } from '../e2e/hub-process.ts'
import { CONNECTOR, Peer } from '../e2e/peer.ts'

test('kill −9 in the middle of a run, then start: the run is finished, no record lost, none doubled', {
  timeout: 400_000,
}, async () => {
  const peer = await Peer.start()
  peer.fill(2_000)
  peer.delayMs = 15
  const dir = await hubFolder(peer.url)
  let hub = await HubProcess.start(dir)
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  for (const share of [200, 900, 1_500]) {
    await until(
      () => peer.customers.size,
      (size) => size >= share,
    )
    await hub.kill()
    hub = await HubProcess.start(dir)
  }
  await until(
    () => peer.customers.size,
    (size) => size >= 2_000,
    150_000,
  )
  await until(
    () => hub.api<{ items: { state: string; outcome: string }[] }>('GET', '/runs?limit=50'),
    ({ items }) => items.every((run) => run.outcome !== 'running'),
    150_000,
  )
  expect(peer.duplicates()).toEqual([])
  expect(peer.customers.size).toBe(2_000)
  expect(await hub.stop()).toBe(0)
  // Nothing changed, so another run writes nothing.
  const writes = peer.journal.length
  const run = await causeway(dir, 'run', 'contacts', '--wait', '--full', '-o', 'json')
  expect(run.code, run.stderr).toBe(0)
  expect(peer.journal.length).toBe(writes)
})

test('answers that are lost on the way double nothing', { timeout: 400_000 }, async () => {
  const peer = await Peer.start()
  peer.fill(500)
  const dir = await hubFolder(peer.url)
  let creates = 0
  peer.intercept = ({ path }) =>
    path === '/customers/batch' && creates++ % 2 === 0 ? { after: (response) => response.destroy() } : undefined
  const hub = await HubProcess.start(dir)
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  await until(
    () => hub.api<{ items: { state: string }[] }>('GET', '/syncs').then(async () => peer.customers.size),
    (size) => size === 500,
    150_000,
  )
  expect(peer.duplicates()).toEqual([])
})

test('a hub that is told to stop is gone although a target does not answer, and the next one goes on', {
  timeout: 400_000,
}, async () => {
  const peer = await Peer.start()
  peer.fill(20)
  let silent = true
  let asked = 0
  peer.intercept = ({ path }) => (path === '/customers/batch' && silent ? { after: () => void asked++ } : undefined)
  const dir = await hubFolder(peer.url, { connector: CONNECTOR.replace('timeout_seconds: 5', 'timeout_seconds: 600') })
  const hub = await HubProcess.start(dir)
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  await until(
    () => asked,
    (count) => count > 0,
  )
  expect(await hub.stop()).toBe(0)

  silent = false
  await HubProcess.start(dir)
  await until(
    () => peer.customers.size,
    (size) => size === 20,
    150_000,
  )
  expect(peer.duplicates()).toEqual([])
})
