import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'G3',
  title: 'death between a page and its cursor',
  holds: ['I2', 'I4'],
  promise:
    'A page and the cursor behind it are saved together: whoever goes on after a death misses nothing and doubles nothing.',
  method:
    'The worker is killed 0 to 80 ms after a page was sent to it, over and over. The next read never begins behind what the change log holds.',
  world: { batch: true, lanes: 1 },
  async run(world, check, { short, kills = short ? 4 : 50 }) {
    const { hub, source, random, pool } = world
    source.fill(short ? 1_000 : 4_000)
    await hub.serve()
    let worker = await hub.work()
    let page = 0
    let waiting: (() => void) | undefined
    source.mishap = ({ after }) => {
      if (after === 0 || page++ % 3 !== 2) return undefined
      waiting?.()
      return undefined
    }
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    for (let kill = 0; kill < kills; kill++) {
      const sent = new Promise<void>((done) => {
        waiting = done
      })
      await Promise.race([sent, sleep(20_000)])
      waiting = undefined
      await sleep(random.between(0, 80))
      const before = source.calls.length
      worker = await hub.replace(worker)
      const next = await until(
        'the read goes on or is over',
        async () => source.calls[before] ?? ((await world.backlog()).pulls === 0 ? { after: 0 } : undefined),
        Boolean,
        60_000,
      )
      const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from record')
      check.atMost('cursor lead', next!.after - rows[0]!.n, 0)
      if ((await world.backlog()).pulls === 0) await hub.api('POST', '/syncs/contacts/run', { full: true })
    }
    await world.settle(check, 60_000, { pulls: true })
  },
}
