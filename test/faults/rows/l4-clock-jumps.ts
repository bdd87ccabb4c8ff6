import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

/** Loaded into a worker: its wall clock is as far off as a file says, from one moment to the next. The monotonic one is not. */
const shim = (file: string): string => `
import { readFileSync } from 'node:fs'
const Real = Date
let offset = 0
const read = () => { offset = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) }
read()
setInterval(read, 50).unref()
globalThis.Date = class Date extends Real {
  constructor(...args) { if (args.length) super(...args); else super(Real.now() + offset) }
  static now() { return Real.now() + offset }
}
`
const TEN_MINUTES = 600_000

/** In one piece: a worker reads the file at any moment, and half of it would be another time. */
async function setClock(file: string, offset: string): Promise<void> {
  await writeFile(`${file}.next`, offset)
  await rename(`${file}.next`, file)
}

export const row: Row = {
  id: 'L4',
  title: 'clocks that jump',
  holds: ['I2', 'I3', 'I8'],
  promise:
    'Wall clocks of workers that jump ten minutes forward and back, together or apart, double nothing and stop nothing for good.',
  method:
    'Two workers on a two-second schedule whose clocks jump by ±10 minutes while events and pulls go on; afterwards every slot was read once, no record is doubled or stale, and new records arrive.',
  world: { lanes: 2, batch: true, schedule: '{ every: 2s }' },
  async run(world, check, { short, kills: jumps = short ? 4 : 40 }) {
    const { hub, pool, sender, source } = world
    const clocks = [join(world.folder, 'clock-1'), join(world.folder, 'clock-2')]
    source.fill(40)
    await hub.serve()
    for (const [i, clock] of clocks.entries()) {
      await setClock(clock, '0')
      const file = join(world.folder, `shim-${i}.mjs`)
      await writeFile(file, shim(clock))
      await hub.work({ env: { NODE_OPTIONS: `--import=${file}` } })
    }
    let rev = 0
    for (let jump = 0; jump < jumps; jump++) {
      for (const clock of clocks) await setClock(clock, String(world.random.pick([-TEN_MINUTES, 0, TEN_MINUTES])))
      rev++
      await world.sendVersions(['e1', 'e2', 'e3'], rev)
      source.put(`c${world.random.between(0, 39)}`)
      source.put(`new${jump}`)
      await sleep(world.random.between(1_000, 3_000))
    }
    for (const clock of clocks) await setClock(clock, '0')
    await hub.api('POST', '/syncs/contacts/run', { full: false })
    check.within('a record after the last jump', await world.roundTrip('after'), 30_000)
    await world.settle(check, 180_000, { events: true, pulls: true })
    const { rows } = await pool.query<{ slots: number; reads: number }>(
      `select (select count(*)::int from schedule_slot where schedule like '%contacts%') as slots,
              (select count(*)::int from run where kind = 'pull' and trigger = 'schedule') as reads`,
    )
    check.atMost('reads beyond one per slot', rows[0]!.reads - rows[0]!.slots, 0)
    check.note('events', sender.answers.length)
  },
}
