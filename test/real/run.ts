/**
 * `npm run test:real`: the hub between real Request Tracker, Tryton, OpenLDAP, Apache WebDAV, MariaDB,
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
import { exchange } from './scenarios/exchange.ts'
import { people } from './scenarios/people.ts'
import { rows } from './scenarios/rows.ts'
import { tickets } from './scenarios/tickets.ts'

const report = new Report()
try {
  report.section('real systems start')
  const real = await bootReal(undefined, { install: process.getuid?.() === 0 })
  try {
    await connectors(real.env, report)
    report.section('the hub starts')
    const hub = await HubProcess.start(real.env)
    try {
      await people(hub, real.env, report)
      await customers(hub, real.env, report)
      await tickets(hub, real.env, report)
      await rows(hub, real.env, report)
      await exchange(hub, real.env, report)
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
