/**
 * The fault campaign: breaks a running hub in every way the rows know and compares what everybody says afterwards.
 * `npm run faults -- --help`
 */
import { parseArgs } from 'node:util'
import { Campaign } from './rig/campaign.ts'
import { breakOwnFolder } from './rig/own-folder.ts'
import { redisMissing } from './rig/redis.ts'
import { ResultFile } from './rig/results.ts'
import { setPatience } from './rig/waiting.ts'
import type { Backend } from './rig/world.ts'
import { allRows } from './rows/index.ts'

const HELP = `Usage: npm run faults -- [options]

  --rows A1,B2       these rows only (all without it)
  --backend NAME     postgres, redis or both (default: both, where a redis-server is installed)
  --short            a few kills per row; minutes instead of hours
  --kills N          kills per row
  --seed N           the order of faults; printed with every run
  --jobs N           rows at the same time (default 1, with --short 3)
  --patience N       factor on every bar in time, for slow or busy machines (default 1)
  --results FILE     JSON lines, one per row and backend (default: none)
  --resume           leave out what FILE holds as passed for this commit and seed
  --folder DIR       instead of the rows: a hub folder of your own, with --sync NAME; see docs/faults.md
  --list             name the rows and end
`

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    backend: { type: 'string', default: 'both' },
    short: { type: 'boolean', default: false },
    kills: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    patience: { type: 'string', default: '1' },
    results: { type: 'string' },
    folder: { type: 'string' },
    sync: { type: 'string' },
    resume: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const rows = await allRows()
if (values.help) {
  console.log(HELP)
} else if (values.list) {
  for (const { id, title, holds } of rows) console.log(`${id.padEnd(4)}${title} (${holds.join(' ')})`)
} else if (values.folder !== undefined) {
  if (values.sync === undefined) throw new Error('--folder needs --sync')
  process.exitCode = await breakOwnFolder({
    folder: values.folder,
    sync: values.sync,
    kills: Number(values.kills ?? 20),
    seed: Number(values.seed ?? Math.floor(Math.random() * 1e9)),
  })
} else process.exitCode = await runCampaign()

async function runCampaign(): Promise<number> {
  const wanted = values.rows?.split(',')
  const unknown = wanted?.filter((id) => !rows.some((row) => row.id === id)) ?? []
  if (unknown.length) throw new Error(`there is no row ${unknown.join(', ')}; --list names them`)
  setPatience(Number(values.patience))
  const campaign = await Campaign.open({
    seed: Number(values.seed ?? Math.floor(Math.random() * 1e9)),
    size: { short: values.short, kills: values.kills === undefined ? undefined : Number(values.kills) },
    jobs: Number(values.jobs ?? (values.short ? 3 : 1)),
    backends: backends(),
    ...(values.results ? { results: await ResultFile.open(values.results, values.resume) } : {}),
  })
  try {
    return await campaign.run(wanted ? rows.filter(({ id }) => wanted.includes(id)) : rows)
  } finally {
    await campaign.close()
  }
}

function backends(): Backend[] {
  const missing = redisMissing()
  if (values.backend === 'both') {
    if (missing && process.env.CAUSEWAY_REQUIRE_REDIS === '1') throw new Error(missing)
    if (missing) console.log(`The Redis half is left out: ${missing}.`)
    return missing ? ['postgres'] : ['postgres', 'redis']
  }
  if (values.backend !== 'postgres' && values.backend !== 'redis') throw new Error(`no backend "${values.backend}"`)
  if (values.backend === 'redis' && missing) throw new Error(missing)
  return [values.backend]
}
