/** A whole hub, everything in one process on embedded Postgres, between two systems of people. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Hub, openHub } from '../../src/assemble/index.ts'
import { requestProgress } from '../../src/store/views/index.ts'
import { PEOPLE_CONNECTOR, PeopleSystem } from './people-system.ts'

export type PeopleHub = {
  crm: PeopleSystem
  erp: PeopleSystem
  hub: Hub
  /** Runs a sync and waits until nothing is on its way in either direction; gives the seconds that it took. */
  run(sync: string, options?: { full?: boolean }): Promise<number>
  atRest(): Promise<void>
}

/** Opens a hub with these files (path → text) beside connector and connections, gives it to `work`, and takes it down. */
export async function withPeopleHub(
  files: Record<string, string>,
  fill: (crm: PeopleSystem, erp: PeopleSystem) => void,
  work: (people: PeopleHub) => Promise<void>,
): Promise<void> {
  const [crm, erp] = [await PeopleSystem.start('crm'), await PeopleSystem.start('erp')]
  fill(crm, erp)
  const folder = await mkdtemp(join(tmpdir(), 'causeway-people-'))
  try {
    const connections = [crm, erp].map(
      ({ name, url }) => `  ${name}:\n    connector: people\n    settings: { url: "${url}" }\n    allow: [127.0.0.1]\n`,
    )
    await writeAll(folder, {
      'causeway.yaml': `connections:\n${connections.join('')}`,
      'connectors/people/connector.yaml': PEOPLE_CONNECTOR,
      ...files,
    })
    const hub = await openHub({ dir: folder, role: 'all', flags: { log_level: 'warn', log_format: 'json' } })
    try {
      await work({ crm, erp, hub, run: (sync, options) => run(hub, sync, options), atRest: () => atRest(hub) })
    } finally {
      await hub.close()
    }
  } finally {
    await Promise.all([crm.stop(), erp.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeAll(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

async function run(hub: Hub, sync: string, { full = false } = {}): Promise<number> {
  const began = performance.now()
  const actor = { name: 'bench', reason: null }
  const { requestId } = await hub.services.runSync(sync, { full, trigger: 'bench', actor })
  for (;;) {
    await sleep(100)
    const progress = await requestProgress(hub.pool, { sync, requestId })
    if (progress?.state === 'finished') {
      // A machine that keeps the hub from renewing a lease ends a run; what it did not do is taken up again.
      if (progress.error && !progress.error.text.includes('CSW-6004'))
        throw new Error(`${sync} ended as ${JSON.stringify(progress)}`)
      break
    }
  }
  await atRest(hub)
  return (performance.now() - began) / 1_000
}

/** What waits for a person (CSW-5022) may wait for ever; everything else is on its way. */
const BUSY = `select exists (select 1 from run where outcome = 'running')
   or exists (select 1 from stream where pull_mode is not null)
   or exists (select 1 from identity where pending)
   or exists (select 1 from delivery d join sync y on y.id = d.sync_id and y.state = 'active'
               where d.state = 'pending' or d.state = 'parked' and d.error not like '%CSW-5022%')
   or exists (select 1 from sync y join record r on r.stream_id = y.from_stream
                left join sync_position p on p.sync_id = y.id and p.stream_id = r.stream_id and p.slice = r.slice
               where y.state = 'active' and r.seq > coalesce(p.seq, 0)) as busy`

/** Waits until nothing runs, nothing is due, everything is matched, and every sync has read all there is, for a second and a half. */
async function atRest(hub: Hub): Promise<void> {
  for (let quiet = 0; quiet < 5; ) {
    const { rows } = await hub.pool.query<{ busy: boolean }>(BUSY)
    quiet = rows[0]!.busy ? 0 : quiet + 1
    await sleep(300)
  }
}
