import { readFileSync } from 'node:fs'
import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

const MINUTE = 60_000
const MB = 1_048_576

/** Resident memory of a process in MB. */
function residentMB(pid: number): number {
  const pages = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(pages) * 1024) / MB
}

/** The slope of a line through points, least squares: units of y per unit of x. */
function slope(points: { x: number; y: number }[]): number {
  const mean = (of: 'x' | 'y'): number => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean('x'), mean('y')]
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return spread && points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread
}

export const row: Row = {
  id: 'L5',
  title: 'half an hour of steady work',
  holds: ['I7', 'I8'],
  promise: 'A hub that works on and on does not grow: at most 1 MB a minute in any process once it is warm.',
  method:
    'Events at 50 a second over the same 2,000 records and a schedule of two seconds for half an hour (two minutes in short form, where the slope is noted and not judged). Memory is read every second; the first third is warm-up.',
  world: { lanes: 2, batch: true, schedule: '{ every: 2s }' },
  async run(world, check, { short }) {
    const { hub, sender, source } = world
    const ms = (short ? 2 : 30) * MINUTE
    source.fill(100)
    await world.start(2)
    const processes = [hub.server!, ...hub.workers]
    const memory = new Map(processes.map(({ name }) => [name, [] as { x: number; y: number }[]]))
    const began = performance.now()
    const passed = (): number => performance.now() - began
    const watching = (async () => {
      while (passed() < ms) {
        if (passed() > ms / 3)
          for (const { name, pid } of processes) memory.get(name)!.push({ x: passed() / MINUTE, y: residentMB(pid) })
        await sleep(1_000)
      }
    })()
    for (let rev = 1; passed() < ms; rev++) {
      const ids = Array.from({ length: 2_000 }, (_, i) => `s${i}`)
      for (let at = 0; at < ids.length && passed() < ms; at += 50)
        await sender.pour(
          ids.slice(at, at + 50).map((id) => sender.event({ id, rev })),
          50,
          (event) => sender.sendUntilTaken(event),
        )
      source.put(`c${rev % 100}`)
    }
    await watching
    for (const [name, points] of memory) {
      const perMinute = slope(points)
      check.note(`${name}, MB`, points.at(-1)?.y ?? 0)
      if (short) check.note(`${name}, MB per minute`, perMinute)
      else check.atMost(`${name}, MB per minute`, perMinute, 1)
    }
    check.equal('processes that ended', hub.crashed().length, 0)
    await world.settle(check, 180_000, { events: true })
  },
}
