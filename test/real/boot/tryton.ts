import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageVersion, requirePackages } from './packages.ts'
import { freePort, run, type Server, startServer } from './process.ts'
import { seededState } from './state.ts'
import type { BootOptions, RunningSystem } from './system.ts'
import { seedTryton, trytonHub } from './tryton-seed.ts'

const adminPassword = 'real-admin-only-here'
const database = 'erp'
const modules = ['party', 'company', 'product', 'country', 'currency']
const packages = ['tryton-server', 'tryton-modules-party', 'tryton-modules-company', 'tryton-modules-product']

/**
 * Starts Tryton on loopback on a copy of the seeded SQLite file. Making that file takes the better part of a minute, so it
 * is kept between runs. SQLite has no lock on number sequences: parallel creates collide, which the manifest respects.
 */
export async function bootTryton(options: BootOptions): Promise<RunningSystem> {
  requirePackages('Tryton', packages, options.install)
  const sources = ['tryton.ts', 'tryton-seed.ts', 'random.ts'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  )
  const seeded = await seededState('tryton', sources, packageVersion('tryton-server'), seed)
  const folder = path.join(options.folder, 'tryton')
  mkdirSync(path.join(folder, 'db'), { recursive: true })
  copyFileSync(path.join(seeded, 'db', `${database}.sqlite`), path.join(folder, 'db', `${database}.sqlite`))
  const { server, url } = await serve(folder, options.detached)
  return {
    name: 'tryton',
    pid: server.pid,
    stop: server.stop,
    env: {
      TRYTON_URL: new URL(url).origin,
      TRYTON_DATABASE: database,
      TRYTON_USER: trytonHub.user,
      TRYTON_PASSWORD: trytonHub.password,
      TRYTON_ADMIN: 'admin',
      TRYTON_ADMIN_PASSWORD: adminPassword,
    },
  }
}

async function seed(folder: string): Promise<void> {
  mkdirSync(path.join(folder, 'db'))
  // trytond-admin creates a database in a file that exists, and refuses one that does not.
  writeFileSync(path.join(folder, 'db', `${database}.sqlite`), '')
  const passwordFile = path.join(folder, 'password')
  writeFileSync(passwordFile, `${adminPassword}\n`, { mode: 0o600 })
  const admin = ['trytond-admin', '-c', writeConfig(folder, 0), '-d', database]
  const env = { TRYTONPASSFILE: passwordFile }
  await run([...admin, '--all', '--email', 'admin@rheinwerk.example', '-p'], { env, timeoutMs: 300_000 })
  await run([...admin, '-u', ...modules, '--activate-dependencies'], { timeoutMs: 300_000 })
  rmSync(passwordFile)
  const { server, url } = await serve(folder, false)
  try {
    await seedTryton(url, adminPassword)
  } finally {
    await server.stop()
  }
}

async function serve(folder: string, detached: boolean): Promise<{ server: Server; url: string }> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/${database}/`
  const server = await startServer({
    command: ['trytond', '-c', writeConfig(folder, port), '-d', database],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => answersVersion(port),
    detached,
  })
  return { server, url }
}

async function answersVersion(port: number): Promise<boolean> {
  const body = JSON.stringify({ id: 1, method: 'common.server.version', params: [] })
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })
  return response.ok
}

/** Mail goes to a port on which nobody listens. */
function writeConfig(folder: string, port: number): string {
  const file = path.join(folder, 'trytond.conf')
  const lines = ['[web]', `listen = 127.0.0.1:${port}`, '[database]', 'uri = sqlite://', `path = ${folder}/db`]
  writeFileSync(file, [...lines, '[session]', 'timeout = 3600', '[email]', 'uri = smtp://127.0.0.1:1', ''].join('\n'))
  return file
}
