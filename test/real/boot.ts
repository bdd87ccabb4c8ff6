/**
 * Real business systems from Debian's packages, on loopback, with seeded data.
 *
 *   node test/real/boot.ts start [--install] [NAME…]   starts them, prints NAME=value lines and the folder to stop
 *   node test/real/boot.ts stop FOLDER                 ends exactly what `start` started there, and removes the folder
 *
 * Exit status: 0 up, 2 failed, 3 packages missing.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bootMariaDb } from './boot/mariadb.ts'
import { bootOData } from './boot/odata.ts'
import { bootOpenLdap } from './boot/openldap.ts'
import { bootOpenSsh } from './boot/openssh.ts'
import { PackagesMissing } from './boot/packages.ts'
import { bootPostgres } from './boot/postgresql.ts'
import { stopProcess } from './boot/process.ts'
import { bootRadicale } from './boot/radicale.ts'
import { bootRequestTracker } from './boot/request-tracker.ts'
import { runFolder } from './boot/state.ts'
import type { BootOptions, RunningSystem } from './boot/system.ts'
import { bootTryton } from './boot/tryton.ts'
import { bootWebDav } from './boot/webdav.ts'

const systems: Record<string, (options: BootOptions) => Promise<RunningSystem>> = {
  openldap: bootOpenLdap,
  webdav: bootWebDav,
  tryton: bootTryton,
  'request-tracker': bootRequestTracker,
  mariadb: bootMariaDb,
  postgresql: bootPostgres,
  openssh: bootOpenSsh,
  radicale: bootRadicale,
  odata: bootOData,
}
export type SystemName =
  | ('openldap' | 'webdav' | 'tryton' | 'request-tracker' | 'mariadb' | 'postgresql')
  | ('openssh' | 'radicale' | 'odata')
export type RealSystems = {
  folder: string
  env: Record<string, string>
  running: RunningSystem[]
  stop(): Promise<void>
}

/**
 * Starts the named systems (default: all) in a fresh folder. They end with `stop`, or with the process that called this,
 * unless `detached`. Installing goes first and one after the other, because apt holds a lock; seeding runs side by side.
 */
export async function bootReal(
  names: SystemName[] = Object.keys(systems) as SystemName[],
  options: { install?: boolean; detached?: boolean } = {},
): Promise<RealSystems> {
  const folder = runFolder()
  const { install = false, detached = false } = options
  const results = await Promise.allSettled(names.map((name) => systems[name]?.({ folder, install, detached })))
  const running = results.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []))
  const stop = async () => {
    await Promise.all(running.map((system) => system.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) {
    await stop()
    throw failure.reason
  }
  return { folder, running, stop, env: Object.assign({}, ...running.map((system) => system.env)) }
}

const pidFile = (folder: string) => path.join(folder, 'pids.json')

async function startCommand(names: string[], install: boolean): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(systems, name))
  if (unknown.length) throw new Error(`unknown system ${unknown.join(', ')}; known: ${Object.keys(systems).join(', ')}`)
  const real = await bootReal(names.length ? (names as SystemName[]) : undefined, { install, detached: true })
  const pids = real.running.map((system) => ({ pid: system.pid, mark: path.join(real.folder, system.name) }))
  writeFileSync(pidFile(real.folder), JSON.stringify(pids))
  const lines = Object.entries(real.env).map(([name, value]) => `${name}=${value}`)
  process.stdout.write([...lines, `REAL_FOLDER=${real.folder}`, ''].join('\n'))
}

async function stopCommand(folder: string): Promise<void> {
  const pids = JSON.parse(readFileSync(pidFile(folder), 'utf8')) as { pid: number; mark: string }[]
  await Promise.all(pids.map(({ pid, mark }) => stopProcess(pid, mark)))
  rmSync(folder, { recursive: true, force: true })
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { install: { type: 'boolean' } } })
  const [verb, ...rest] = positionals
  try {
    if (verb === 'start') await startCommand(rest, values.install ?? false)
    else if (verb === 'stop' && rest[0]) await stopCommand(rest[0])
    else throw new Error('usage: boot.ts start [--install] [NAME…] | stop FOLDER')
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = error instanceof PackagesMissing ? 3 : 2
  }
}
