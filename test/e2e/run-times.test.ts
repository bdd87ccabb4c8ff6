/** Where the time of runs goes, against a system that takes its time and sets limits. */
import { expect, test } from 'vitest'
import { causeway, HubProcess, hubFolder, until } from './hub-process.ts'
import { CONNECTOR, Peer } from './peer.ts'

type Times = Record<'queue' | 'limits' | 'remote' | 'mapping' | 'storing' | 'other' | 'total', number>
type Run = { id: number; kind: string; outcome: string; startedAt: string; finishedAt: string | null; times: Times }

const DELAY_MS = 120
const PAGES = 4

test('the parts of a run add up to its duration, with the time that was made for each of them in it', {
  timeout: 120_000,
}, async () => {
  const peer = await Peer.start()
  peer.fill(PAGES * 100)
  peer.delayMs = DELAY_MS
  const connector = CONNECTOR.replace('concurrent: 4,', 'concurrent: 4, per_second: 2,')
  const hub = await HubProcess.start(await hubFolder(peer.url, { connector }))
  const runsOf = async (): Promise<Run[]> => (await hub.api<{ items: Run[] }>('GET', '/runs')).items
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  const runs = await until(runsOf, (found) => {
    const kinds = found.filter(({ finishedAt }) => finishedAt !== null).map(({ kind }) => kind)
    return peer.customers.size === PAGES * 100 && found.length === kinds.length && new Set(kinds).size === 2
  })
  for (const { times, startedAt, finishedAt } of runs) {
    const { total, queue, ...parts } = times
    expect(Object.values(parts).reduce((sum, ms) => sum + ms, queue)).toBe(total)
    expect(total - queue).toBe(Date.parse(finishedAt!) - Date.parse(startedAt))
  }
  const pull = runs.find(({ kind }) => kind === 'pull')!.times
  // Its pages come one after another, each when the limit allows it: two at once, then one each half second.
  expect(pull.remote).toBeGreaterThanOrEqual(PAGES * DELAY_MS - 20)
  expect(pull.limits).toBeGreaterThan(300)
  expect(pull.storing + pull.remote).toBeLessThan(pull.total)
  const pushed = runs.filter(({ kind, outcome }) => kind === 'push' && outcome === 'success').map(({ times }) => times)
  const sum = (part: keyof Times): number => pushed.reduce((sum, times) => sum + times[part], 0)
  expect(sum('remote')).toBeGreaterThanOrEqual(DELAY_MS)
  for (const part of ['limits', 'mapping', 'storing'] as const) expect(sum(part), part).toBeGreaterThan(0)

  const { stdout } = await causeway(hub.dir, '-o', 'human', 'runs', 'show', String(runs[0]!.id))
  const { total, limits } = runs[0]!.times
  expect(stdout).toMatch(new RegExp(`time went to +queue \\d+ ms, limits ${limits} ms, .*, total ${total} ms`))
})
