import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

/** Loaded into the workers: a certain answer of the target ends the process, as a defect in native code would. */
const TRAP = `
import { subscribe } from 'node:diagnostics_channel'
subscribe('http.client.response.finish', ({ response }) => {
  if (response.headers['x-trap']) process.abort()
})
`

export const row: Row = {
  id: 'A6',
  title: 'a record that kills its worker',
  holds: ['I6'],
  promise:
    'A record whose handling ends the process three times is set aside for a person, and all others are delivered.',
  method: 'process.abort() as soon as the target answers the create of one record; workers are started anew each time.',
  // Lanes beside it die with it each time, and none of their records may be taken for the killer.
  world: { lanes: 4 },
  async run(world, check, { short }) {
    const { hub, target, source, pool } = world
    const trap = join(world.folder, 'trap.mjs')
    await writeFile(trap, TRAP)
    source.fill(short ? 60 : 400)
    const poison = 'c7'
    target.mishap = ({ body, method }) =>
      method === 'POST' && body.includes(`"external_id":"${poison}"`)
        ? { before: (response) => void response.writeHead(500, { 'x-trap': '1' }).end('{}') }
        : undefined
    await hub.serve()
    const env = { NODE_OPTIONS: `--import=${trap}` }
    let deaths = 0
    let over = false
    const reviving = (async () => {
      while (!over) {
        const worker = await hub.work({ env, ready: false })
        while (!over && !worker.isOver) await sleep(100)
        if (worker.isOver) {
          worker.told = true
          hub.workers.splice(hub.workers.indexOf(worker), 1)
          deaths++
        }
      }
    })()
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await until(
      'all others are delivered',
      () => target.customers.size,
      (size) => size >= source.contacts.size - 1,
      180_000,
    )
    const letter = async (): Promise<string | undefined> =>
      (await pool.query<{ record_id: string }>(`select record_id from dead_letter where state = 'open'`)).rows[0]
        ?.record_id
    check.equal('dead', (await until('a dead letter', letter, Boolean, 120_000)) ?? '', poison)
    over = true
    await reviving
    check.equal('deaths', deaths, 3)
    const letters = await pool.query(`select 1 from dead_letter where state = 'open'`)
    check.equal('dead letters', letters.rowCount ?? 0, 1)
    const { duplicate, orphan } = await world.ledgers({ pulls: true })
    check.equal('duplicate', duplicate, 0)
    check.equal('orphan', orphan, 0)
  },
}
