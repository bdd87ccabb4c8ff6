import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'
import type { World } from '../rig/world.ts'

export const row: Row = {
  id: 'G3',
  title: 'death between a page and its cursor',
  holds: ['I2', 'I4'],
  promise:
    'A page and the cursor behind it are saved together: whoever goes on after a death misses nothing and doubles nothing.',
  method:
    'The worker is killed 0 to 80 ms after a page was sent to it, over and over, at least half of the time in the middle of a read. The next read never asks for changes behind one that the change log lacks.',
  world: { batch: true, lanes: 1 },
  async run(world, check, { short, kills = short ? 4 : 50 }) {
    const { hub, source, random } = world
    const ids = Array.from({ length: short ? 1_000 : 4_000 }, (_, i) => `c${i}`)
    for (const id of ids) source.put(id)
    source.delayMs = 20
    await hub.serve()
    let worker = await hub.work()
    let pages = 0
    let lead = 0
    let midway = 0
    // A first page names no time; all others ask from the last value of the one before.
    source.mishap = ({ since }) => {
      if (since !== '') pages++
      return undefined
    }
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    for (let kill = 0; kill < kills; kill++) {
      const enough = pages + 3
      // The rest of a read may be shorter than that.
      await until(
        'pages are read, or all of them',
        async () => pages >= enough || (await world.backlog()).pulls === 0,
        Boolean,
        60_000,
        2,
      )
      await sleep(random.between(0, 80))
      await worker.kill()
      // What it had asked for is heard.
      await sleep(100)
      if ((await world.backlog()).pulls > 0) midway++
      const before = source.calls.length
      worker = await hub.work()
      await until(
        'the read goes on or is over',
        async () => source.calls.length > before || (await world.backlog()).pulls === 0,
        Boolean,
        60_000,
        5,
      )
      const next = source.calls[before]
      if (next) lead += await skippedBefore(next.since, world)
      if ((await world.backlog()).pulls > 0) continue
      for (const id of ids) source.put(id)
      await hub.api('POST', '/syncs/contacts/run', {})
    }
    check.equal('cursor lead of reads', lead, 0)
    check.atLeast('killed in the middle of a read', midway, Math.ceil(kills / 2))
    await world.settle(check, 60_000, { pulls: true })
  },
}

/** Changes of the source before a time that the change log does not have: nobody would ask for them again. */
async function skippedBefore(since: string, { pool, source }: World): Promise<number> {
  const { rows } = await pool.query<{ id: string; rev: number }>(
    `select id, (body::json ->> 'rev')::int as rev from record`,
  )
  const known = new Map(rows.map(({ id, rev }) => [id, rev]))
  const at = Date.parse(since || '1970-01-01')
  return [...source.contacts.values()].filter(
    ({ id, rev, updated_at }) => Date.parse(updated_at) < at && (known.get(id) ?? 0) < rev,
  ).length
}
