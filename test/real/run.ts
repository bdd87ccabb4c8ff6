/**
 * `npm run test:real [-- NAME…]`: the hub between real Request Tracker, Tryton, OpenLDAP, Apache WebDAV, MariaDB,
 * PostgreSQL, OpenSSH, Radicale and an OData server. Each sync in full, then after
 * changes made in the source through its own API, then unchanged; results are read through the target's own API.
 *
 * Exit status: 0 all passed, 1 something failed, 3 packages missing and not root (`--install` is the default for root).
 */

import { PackagesMissing } from './boot/packages.ts'
import { bootReal } from './boot.ts'
import { HubProcess } from './hub-process.ts'
import { Report } from './report.ts'
import { connectors } from './scenarios/connectors.ts'
import { customers } from './scenarios/customers.ts'
import { directories } from './scenarios/directories.ts'
import { documentPairs } from './scenarios/documents.ts'
import { exchangePairs } from './scenarios/exchange.ts'
import { type Env, type Pair, runPair } from './scenarios/pair.ts'
import { people } from './scenarios/people.ts'
import { rowPairs } from './scenarios/rows.ts'
import { tickets } from './scenarios/tickets.ts'
import { twoWays } from './scenarios/two-way.ts'

type Scenario = (hub: HubProcess, env: Env, report: Report) => Promise<void>

const scenarios: Record<string, Scenario> = {
  people,
  directories,
  customers,
  tickets,
  documents: pairs(documentPairs),
  rows: pairs(rowPairs),
  exchange: pairs(exchangePairs),
  'two-way': twoWays,
}

function pairs(list: readonly Pair[]): Scenario {
  return async (hub, env, report) => {
    for (const pair of list) await runPair(pair, hub, env, report)
  }
}

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !Object.hasOwn(scenarios, name))
if (unknown.length) throw new Error(`unknown: ${unknown.join(', ')}; known: ${Object.keys(scenarios).join(', ')}`)

const report = new Report()
try {
  report.section('real systems start')
  const real = await bootReal(undefined, { install: process.getuid?.() === 0 })
  try {
    await connectors(real.env, report)
    report.section('the hub starts')
    const hub = await HubProcess.start(real.env)
    try {
      for (const [name, run] of Object.entries(scenarios))
        if (chosen.length === 0 || chosen.includes(name)) await run(hub, real.env, report)
    } finally {
      await hub.stop()
    }
  } finally {
    await real.stop()
  }
  report.end()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  process.exitCode = error instanceof PackagesMissing ? 3 : 1
}
