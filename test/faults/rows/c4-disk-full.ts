import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'C4',
  title: 'the disk is full',
  holds: ['I1', 'I9'],
  promise:
    'Without room on the disk nothing is acknowledged that is not kept, and with room again the hub goes on by itself.',
  method: 'The data directory on a small tmpfs that is filled to the last byte while webhooks come in, then emptied.',
  queue: false,
  world: { ownPostgres: true, postgresMB: 400 },
  missing: () => (canMount() ? undefined : 'mounting a tmpfs needs root'),
  async run(world, check, { short }) {
    const { hub, sender, postgres } = world
    await world.start(1)
    await world.roundTrip('warm')
    const ballast = join(postgres.data, '..', 'ballast')
    await fill(ballast)
    let over = false
    const pouring = (async () => {
      for (let n = 1; !over; n++)
        await sender.pour(
          Array.from({ length: 50 }, (_, i) => sender.event({ id: `c${i}`, rev: n, filler: 'x'.repeat(20_000) })),
          50,
        )
    })()
    await sleep(short ? 5_000 : 30_000)
    await rm(ballast)
    await postgres.ensureUp()
    const refused = sender.answers.filter((answer) => !isAcknowledged(answer)).length
    check.atLeast('refused while full', refused, 1)
    check.equal(
      'answers but 202 and 503',
      sender.answers.filter(({ status }) => status !== 202 && status !== 503).length,
      0,
    )
    await sleep(2_000)
    over = true
    await pouring
    check.within('first effect afterwards', await world.roundTrip('back', 60_000), 30_000)
    check.equal('processes that ended', hub.crashed().length, 0)
    await world.settle(check, 60_000, { events: true })
  },
}

/** Takes all room that is left. */
async function fill(path: string): Promise<void> {
  for (const megabytes of [1_024, 64, 8, 1, 0.1]) {
    try {
      for (;;) await writeFile(path, Buffer.alloc(megabytes * 1024 * 1024), { flag: 'a' })
    } catch {
      // Full for this size; a smaller piece may still fit.
    }
  }
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
