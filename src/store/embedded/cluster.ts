import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, open, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CausewayError } from '../../core/index.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { processStart } from './lock.ts'

const run = promisify(execFile)

/** The superuser of the embedded server, and the database the hub keeps its ledger in. */
export const USER = 'causeway'

/** The major version of the packaged programs; a data folder of another one cannot be opened by them. */
const MAJOR = '18'

/** Where things lie in the hub's folder. */
export type Layout = { folder: string; data: string; log: string; password: string; description: string; lock: string }

export const layoutOf = (folder: string): Layout => ({
  folder,
  data: join(folder, 'postgres'),
  log: join(folder, 'postgres.log'),
  password: join(folder, 'postgres.password'),
  description: join(folder, 'postgres.json'),
  lock: join(folder, 'hub.lock'),
})

/**
 * How the programs are told where the data is. Under another account the parent folders may be closed (/root, a private
 * temporary folder). A process may always use the folder it was started in, and on Linux `/proc/self/cwd` is a path to it
 * that does not lead through the parents; the server and all its children stay in the data folder.
 */
export const dataArgument = (data: string, account: Account | undefined): string =>
  account && process.platform === 'linux' ? '/proc/self/cwd' : data

/** The environment of the server's programs: nothing of the hub's, which may hold secrets. */
export const programEnvironment = (binaries: Binaries): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...binaries.env,
})

/** Makes the data folder at the first start. Cut short, it leaves a draft that the next start throws away. */
export async function ensureCluster(layout: Layout, binaries: Binaries, account: Account | undefined): Promise<string> {
  const version = await readFile(join(layout.data, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version === undefined) return createCluster(layout, binaries, account)
  if (version.trim() !== MAJOR) {
    throw new CausewayError('CSW-6003', {
      what: `The data in ${layout.data} was written by Postgres ${version.trim()}, and this is Postgres ${MAJOR}.`,
      fix: 'Start the previous version once more and move the data over with pg_dump, or set `DATABASE_URL`.',
    })
  }
  const { uid } = await stat(layout.data)
  if (!account && process.getuid && uid !== process.getuid()) {
    throw new CausewayError('CSW-6003', {
      what: `The data in ${layout.data} belongs to user ${uid}, and the hub runs as user ${process.getuid()}.`,
      fix: 'Start the hub as root or as that user, or give the folder to the user the hub runs as.',
    })
  }
  return (await readFile(layout.password, 'utf8')).trim()
}

async function createCluster(layout: Layout, binaries: Binaries, account: Account | undefined): Promise<string> {
  const draft = `${layout.data}.new`
  const password = randomBytes(32).toString('hex')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  await writeFile(layout.password, `${password}\n`, { mode: 0o600 })
  await chmod(layout.password, 0o600)
  if (account) await chown(draft, account.uid, account.gid)
  await initdb(draft, password, binaries, account)
  await rename(draft, layout.data)
  return password
}

/**
 * The C.UTF-8 of Postgres itself, not a locale of the operating system: indexes then survive a change of the C library, and
 * every machine sorts alike.
 */
async function initdb(data: string, password: string, binaries: Binaries, account: Account | undefined): Promise<void> {
  const passwordFile = `${data}.password`
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account) await chown(passwordFile, account.uid, account.gid)
  const handle = await open(passwordFile, 'r')
  try {
    const args = [
      `--pgdata=${dataArgument(data, account)}`,
      `--username=${USER}`,
      '--auth=scram-sha-256',
      // Handed over open: under another account the path itself may be closed.
      '--pwfile=/dev/stdin',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ]
    await runToEnd(binaries.initdb, args, {
      ...account,
      cwd: data,
      env: programEnvironment(binaries),
      stdin: handle.fd,
    })
  } finally {
    await handle.close()
    await rm(passwordFile, { force: true })
  }
}

type RunOptions = { uid?: number; gid?: number; cwd: string; env: Record<string, string>; stdin: number }

function runToEnd(program: string, args: string[], { stdin, ...options }: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: [stdin, 'ignore', 'pipe'] })
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      const reason = output.trim().split('\n').at(-1) ?? ''
      reject(
        new CausewayError('CSW-6003', {
          what: `initdb ended with ${code ?? signal}: ${reason}`,
          fix: 'Mend what the sentence says (disk space, permissions), or set `DATABASE_URL` to a Postgres of your own.',
        }),
      )
    })
  })
}

/**
 * Ends a server that outlived its hub (kill −9). It is stopped and not taken over: the new server is then our child with the
 * settings of this version, and transactions the dead hub left open are gone. The caller holds the hub lock.
 */
export async function stopOrphan(layout: Layout): Promise<void> {
  const pidFile = join(layout.data, 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8').catch(() => undefined)
  const pid = Number(text?.split('\n')[0])
  if (!text || !Number.isInteger(pid) || pid <= 1) return
  if (await servesFolder(pid, layout.data)) {
    await stopServer(pid)
  } else {
    // Stale, and its id may belong to somebody else by now, which Postgres would take for a living server. Should children
    // of a killed server still run, the new one notices by its shared memory and refuses; the start is then tried again.
    await rm(pidFile, { force: true })
  }
}

/** True when process `pid` is the server of this data folder, whatever its id meant before. */
async function servesFolder(pid: number, data: string): Promise<boolean> {
  if ((await processStart(pid)) === undefined) return false
  if (process.platform === 'linux') {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
    return cwd !== undefined && cwd === (await realpath(data))
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.includes(data)
}

const FAST_STOP_MS = 30_000
const IMMEDIATE_STOP_MS = 10_000

/** Fast shutdown (sessions are ended, everything is checkpointed); after half a minute the immediate one, which recovers. */
export async function stopServer(pid: number): Promise<void> {
  const born = await processStart(pid)
  if (born === undefined) return
  for (const [signal, patience] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    const end = performance.now() + patience
    while (performance.now() < end) {
      if ((await processStart(pid)) !== born) return
      await sleep(15)
    }
  }
  throw new CausewayError('CSW-6003', { what: `The Postgres server (process ${pid}) does not stop.` })
}
