import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { followLedgerClock } from '../../src/store/index.ts'
import { open, restManifest } from '../connector/open.ts'
import { serve } from '../connector/server.ts'
import { one, TestHub } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/* Two workers of one hub whose machines do not agree about the time, and a source whose records have no version. */

afterEach(() => void vi.useRealTimers())
const MINUTES = 60_000
/** As a machine would be whose wall clock is so far off; its monotonic one goes on. */
const beOff = (ms: number): void => {
  vi.useRealTimers()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
}

async function setUp() {
  const state = { name: 'first' }
  const server = await serve(() => ({ json: [{ id: 1, name: state.name }] }))
  const hub = await TestHub.open(
    { crm: await open(restManifest('read: { path: /things }'), server), erp: new MemorySystem().stream('things') },
    [{ name: 'things', from: 'crm:things', to: 'erp:things', run: ({ name }) => one({ name: name! }) }],
  )
  const known = async () => {
    const { rows } = await hub.pool.query<{ body: string }>('select body from record')
    return rows.map(({ body }) => JSON.parse(body).name)
  }
  return { state, server, hub, known }
}

test.for([
  [10, 0],
  [0, -10],
  [10, -10],
] as const)(
  'a change that one worker reads is not taken for older than what another read before (%i and %i minutes off)',
  async ([one, other]) => {
    const { state, server, hub, known } = await setUp()
    await using _server = server
    beOff(one * MINUTES)
    const stop = await followLedgerClock(hub.pool)
    await hub.pull('crm:things')
    stop()
    beOff(other * MINUTES)
    const stopOther = await followLedgerClock(hub.pool)
    state.name = 'second'
    await hub.pull('crm:things')
    stopOther()
    expect(await known()).toEqual(['second'])
  },
)

test('a clock that jumps while a process works changes nothing', async () => {
  const { state, server, hub, known } = await setUp()
  await using _server = server
  const stop = await followLedgerClock(hub.pool)
  for (const off of [10, -10, 0]) {
    beOff(off * MINUTES)
    state.name = `off by ${off}`
    await hub.pull('crm:things')
    expect(await known()).toEqual([state.name])
  }
  stop()
})

test('the time of the ledger is followed as long as somebody does, then that of the machine', async () => {
  const { server, hub } = await setUp()
  await using _server = server
  const ledger = async () => (await hub.pool.query<{ now: Date }>('select clock_timestamp() as now')).rows[0]!.now
  const apart = async () => Math.abs(systemClock.now().getTime() - (await ledger()).getTime())
  const stops = [await followLedgerClock(hub.pool), await followLedgerClock(hub.pool)]
  beOff(-7 * MINUTES)
  expect(await apart()).toBeLessThan(MINUTES)
  stops[0]!()
  stops[0]!()
  expect(await apart()).toBeLessThan(MINUTES)
  stops[1]!()
  expect(await apart()).toBeGreaterThan(6 * MINUTES)
})
