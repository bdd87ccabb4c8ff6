import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageVersion, requirePackages } from './packages.ts'
import { freePort, run, type Server, startServer } from './process.ts'
import { initialData, seededData } from './request-tracker-seed.ts'
import { seededState } from './state.ts'
import type { BootOptions, RunningSystem } from './system.ts'

const rootPassword = 'real-root-only-here'
/** Not UTC on purpose: RT reads times in queries in its own zone and answers in UTC. */
const rtZone = 'Europe/Zurich'
const seedProgram = new URL('request-tracker-seed.pl', import.meta.url)

/** Starts Request Tracker on loopback on a copy of the seeded SQLite file. It sends no mail: it writes mbox files. */
export async function bootRequestTracker(options: BootOptions): Promise<RunningSystem> {
  requirePackages('Request Tracker', ['request-tracker5', 'rt5-db-sqlite', 'rt5-standalone'], options.install)
  const sources = ['request-tracker.ts', 'request-tracker-seed.ts', 'request-tracker-seed.pl', 'random.ts'].map(
    (name) => fileURLToPath(new URL(name, import.meta.url)),
  )
  const seeded = await seededState('request-tracker', sources, packageVersion('request-tracker5'), seed)
  const folder = path.join(options.folder, 'request-tracker')
  mkdirSync(folder, { recursive: true })
  copyFileSync(path.join(seeded, 'rt.sqlite'), path.join(folder, 'rt.sqlite'))
  const { server, url } = await serve(folder, options.detached)
  return {
    name: 'request-tracker',
    pid: server.pid,
    stop: server.stop,
    env: {
      RT_URL: new URL(url).origin,
      RT_ZONE: rtZone,
      RT_TOKEN: readFileSync(path.join(seeded, 'token'), 'utf8').trim(),
      RT_ROOT: 'root',
      RT_ROOT_PASSWORD: rootPassword,
    },
  }
}

async function seed(folder: string): Promise<void> {
  const env = prepare(folder, 1)
  const setup = ['rt-setup-database-5', '--action']
  writeFileSync(path.join(folder, 'password'), `${rootPassword}\n`, { mode: 0o600 })
  await run([...setup, 'init', '--root-password-file', path.join(folder, 'password')], { env, timeoutMs: 300_000 })
  // What follows needs the token only.
  rmSync(path.join(folder, 'password'))
  writeFileSync(path.join(folder, 'initialdata'), initialData(rootPassword))
  await run([...setup, 'insert', '--datafile', path.join(folder, 'initialdata')], { env, timeoutMs: 120_000 })
  const input = JSON.stringify(seededData())
  const token = await run(['perl', fileURLToPath(seedProgram)], { env, input, timeoutMs: 900_000 })
  writeFileSync(path.join(folder, 'token'), token, { mode: 0o600 })
}

async function serve(folder: string, detached: boolean): Promise<{ server: Server; url: string }> {
  const port = await freePort()
  const env = prepare(folder, port)
  const url = `http://127.0.0.1:${port}/REST/2.0`
  const program = '/usr/share/request-tracker5/libexec/rt-server'
  const server = await startServer({
    command: [program, '--host', '127.0.0.1', '--port', String(port), '--max-workers', '3'],
    env,
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: async () => (await fetch(`${url}/rt`)).status === 401,
    detached,
  })
  return { server, url }
}

/** Writes RT's configuration; gives the environment that makes RT read it instead of Debian's. */
function prepare(folder: string, port: number): NodeJS.ProcessEnv {
  for (const name of ['var', 'mason', 'sessions', 'log', 'empty'])
    mkdirSync(path.join(folder, name), { recursive: true })
  const settings: Record<string, string | number> = {
    rtname: 'helpdesk.example',
    Organization: 'helpdesk.example',
    WebDomain: '127.0.0.1',
    WebPort: port,
    WebBaseURL: `http://127.0.0.1:${port}`,
    CanonicalizeRedirectURLs: 0,
    DatabaseType: 'SQLite',
    DatabaseName: `${folder}/rt.sqlite`,
    Timezone: rtZone,
    MailCommand: 'mbox',
    LogToSyslog: '',
    LogToSTDERR: 'warning',
    LogDir: `${folder}/log`,
    CorrespondAddress: 'hilfe@helpdesk.example',
    CommentAddress: 'notiz@helpdesk.example',
    WebSessionClass: 'Apache::Session::File',
    // RT hashes the token of every request anew: at its default of 12 that alone is a quarter of a second of CPU.
    BcryptCost: 4,
  }
  const lines = Object.entries(settings).map(([name, value]) => `Set($${name}, '${value}');`)
  const paths = { VarPath: 'var', MasonDataDir: 'mason', MasonSessionDir: 'sessions' }
  for (const [name, value] of Object.entries(paths)) lines.push(`$RT::${name} = '${folder}/${value}';`)
  const file = path.join(folder, 'RT_SiteConfig.pm')
  writeFileSync(file, [...lines, '1;', ''].join('\n'))
  return { RT_SITE_CONFIG: file, RT_SITE_CONFIG_DIR: path.join(folder, 'empty') }
}
