import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server that we started: its process id, and how to end exactly that process and its workers. */
export type Server = { pid: number; stop(): Promise<void> }

const MARK = 'CAUSEWAY_REAL_RUN'

export type ServerCommand = {
  command: string[]
  env?: NodeJS.ProcessEnv
  log: string
  /** Goes into the server's environment, so that `stopProcess` can tell it from a stranger with the same id. */
  mark: string
  /** Rejects or gives false until the server answers. */
  answers: () => Promise<boolean>
  /** User the server runs as (Apache refuses to serve as root). */
  user?: string
  /** True: outlives the process that starts it (command line); false: dies with it, even after kill −9. */
  detached: boolean
  timeoutMs?: number
}

/** A port that was free a moment ago on loopback. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/** True when something accepts connections there. */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 2_000 })
    const done = (up: boolean) => {
      socket.destroy()
      resolve(up)
    }
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false))
  })

/** Starts a server in a process group of its own and waits until it answers. */
export async function startServer(options: ServerCommand): Promise<Server> {
  const log = openSync(options.log, 'a')
  const stdio: StdioOptions = ['ignore', log, log]
  const wrapper = ['setpriv']
  if (options.user) wrapper.push('--reuid', options.user, '--regid', options.user, '--clear-groups')
  // After kill −9 of the tests nobody runs `stop`: the kernel then ends the server for us.
  if (!options.detached) wrapper.push('--pdeathsig', 'TERM')
  const [file = 'setpriv', ...args] = wrapper.length > 1 ? [...wrapper, ...options.command] : options.command
  const env = { ...process.env, ...options.env, [MARK]: options.mark }
  const child = spawn(file, args, { detached: true, env, stdio })
  closeSync(log)
  const pid = child.pid ?? 0
  // While it is our child the id is its own. The mark is not always there to be read: sshd writes its title over its environment.
  const isOurs = (): boolean => child.exitCode === null && child.signalCode === null
  const server: Server = { pid, stop: () => (isOurs() ? endGroup(pid) : stopProcess(pid, options.mark)) }
  await answered(child, options).catch(async (error) => {
    await server.stop()
    throw error
  })
  // Nobody waits for a server: what was not stopped must not hold up the end of the run either.
  child.unref()
  return server
}

async function answered(child: ChildProcess, options: ServerCommand): Promise<void> {
  let failed: Error | undefined
  child.once('error', (error) => {
    failed = error
  })
  const deadline = performance.now() + (options.timeoutMs ?? 60_000)
  while (performance.now() < deadline) {
    if (failed || child.exitCode !== null) break
    if (await options.answers().catch(() => false)) return
    await sleep(100)
  }
  const tail = readFileSync(options.log, 'utf8').split('\n').slice(-20).join('\n')
  throw new Error(`${options.command[0]} did not come up (${failed ?? `exit ${child.exitCode}`}):\n${tail}`)
}

/** Ends a process group by its leader's id, but only if it carries our mark: ids are given out again. */
export async function stopProcess(pid: number, mark: string): Promise<void> {
  if (pid && carriesMark(pid, mark)) await endGroup(pid)
}

async function endGroup(pid: number): Promise<void> {
  if (!pid) return
  signalGroup(pid, 'SIGTERM')
  for (let waited = 0; waited < 10_000 && groupAlive(pid); waited += 100) await sleep(100)
  if (groupAlive(pid)) signalGroup(pid, 'SIGKILL')
}

function carriesMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARK}=${mark}`)
  } catch {
    return false
  }
}

const groupAlive = (pid: number): boolean => {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group ended by itself in the meantime.
  }
}

/** Runs a command to its end; its output is in the error when it fails. */
export function run(
  command: string[],
  options: { env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } = {},
): Promise<string> {
  const [file = '', ...args] = command
  return new Promise((resolve, reject) => {
    const settings = {
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? 120_000,
      maxBuffer: 64 * 1024 * 1024,
    }
    const child = execFile(file, args, settings, (error, stdout, stderr) =>
      error ? reject(new Error(`${file} failed: ${error.message}\n${stdout}${stderr}`)) : resolve(stdout),
    )
    // A command that does not read its input may have ended before it is written.
    child.stdin?.on('error', () => {}).end(options.input ?? '')
  })
}
