import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { busiest } from '../outbound/busiest.ts'
import { httpPeer } from '../outbound/peer.ts'
import { freshDatabase } from '../postgres.ts'

test('several processes keep the limit together, use most of it, and one that is killed takes nothing along', {
  timeout: 240_000,
}, async () => {
  const { url: database } = await freshDatabase()
  const [units, seconds, concurrent] = [120, 4, 6]
  const arrivals: number[] = []
  let open = 0
  let mostOpen = 0
  let refusedAt = 0
  const url = await httpPeer((_request, response) => {
    const now = performance.now()
    arrivals.push(now)
    mostOpen = Math.max(mostOpen, ++open)
    response.on('close', () => open--)
    if (refusedAt === 0 && arrivals.length === 200) {
      refusedAt = now
      response.writeHead(429, { 'retry-after': '4' }).end()
    } else setTimeout(() => response.end('ok'), 15)
  })
  const start = (): ChildProcess => {
    const args = [database, url, String(units), String(seconds), String(concurrent)]
    const child = fork(new URL('./quota-process.ts', import.meta.url), args)
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  const children = [start(), start(), start()]
  await Promise.all(children.map((child) => once(child, 'message')))
  const windowMs = seconds * 1_000
  while (arrivals.length < 60) await sleep(20)
  children[0]!.kill('SIGKILL')
  while (arrivals.length < 300) await sleep(50)
  const counts = children.slice(1).map(async (child) => {
    const [done] = (await Promise.race([once(child, 'message'), sleep(5_000).then(() => [0])])) as [number]
    return done
  })
  for (const child of children.slice(1)) child.kill('SIGTERM')
  const done = await Promise.all(counts)
  expect(busiest(arrivals, windowMs)).toBeLessThanOrEqual(units)
  expect(mostOpen).toBeLessThanOrEqual(concurrent)
  // Slices of 200 ms may still be under way when somebody is told to wait; the machine may be busy.
  expect(arrivals.filter((at) => at > refusedAt + 2_000 && at < refusedAt + 3_900)).toEqual([])
  // The first window is filled by the first rush; what counts is how the later ones are used.
  const later = arrivals.filter((at) => at > arrivals[0]! + windowMs)
  expect(busiest(later, windowMs)).toBeGreaterThan(units * 0.8)
  // Both that live were served, though they compete.
  for (const count of done) expect(count).toBeGreaterThan(20)
})
