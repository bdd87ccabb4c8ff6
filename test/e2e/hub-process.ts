import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { CACHE, type CliResult, runCli } from '../cli/run-cli.ts'
import { type AtEnd, CONNECTOR, MAPPING } from './peer.ts'

const BIN = join(import.meta.dirname, '../../bin/causeway.mjs')

export type HubFolderFiles = { connector?: string; mappings?: Record<string, string>; hub?: string }

/** A hub folder with the test's connector and mappings; removed with the test. */
export async function hubFolder(
  peerUrl: string,
  files: HubFolderFiles = {},
  atEnd: AtEnd = onTestFinished,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-e2e-'))
  atEnd(() => rm(dir, { recursive: true, force: true }))
  await mkdir(join(dir, 'connectors/peer'), { recursive: true })
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'causeway.yaml'), files.hub ?? `connections:\n${connectionTo('peer', peerUrl)}`)
  await writeFile(join(dir, 'connectors/peer/connector.yaml'), files.connector ?? CONNECTOR)
  for (const [name, text] of Object.entries(files.mappings ?? { 'contacts.yaml': MAPPING }))
    await writeFile(join(dir, 'mappings', name), text)
  return dir
}

/** A connection of that name to a peer, for a hub file. */
export const connectionTo = (name: string, peerUrl: string): string =>
  `  ${name}:\n    connector: peer\n    settings: { url: "${peerUrl}" }\n    secrets: { token: "env:PEER_TOKEN" }\n    allow: [127.0.0.1]\n`

export const TOKEN = 'canary-peer-token-5b1f'
const environment = (extra: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PEER_TOKEN: TOKEN,
  NO_COLOR: '1',
  XDG_CACHE_HOME: CACHE,
  ...extra,
})

/** Runs one command to its end, in this process: the hub it speaks to has one of its own. */
export const causeway = (dir: string, ...args: string[]): Promise<CliResult> =>
  runCli(['-C', dir, ...args], { env: { PEER_TOKEN: TOKEN, NO_COLOR: '1' } })

/** A hub started as a person would, in a process of its own. */
export class HubProcess {
  readonly dir: string
  readonly child: ChildProcess
  output = ''

  private constructor(dir: string, child: ChildProcess) {
    this.dir = dir
    this.child = child
    const keep = (chunk: Buffer): void => {
      this.output += chunk
    }
    child.stdout!.on('data', keep)
    child.stderr!.on('data', keep)
  }

  static start(dir: string, env: Record<string, string> = {}, ...args: string[]): Promise<HubProcess> {
    return HubProcess.startUntil(onTestFinished, dir, env, ...args)
  }

  /** The same, for longer than a test. */
  static async startUntil(
    atEnd: AtEnd,
    dir: string,
    env: Record<string, string>,
    ...args: string[]
  ): Promise<HubProcess> {
    await rm(join(dir, '.causeway/hub.json'), { force: true })
    const child = spawn(process.execPath, [BIN, '-C', dir, 'start', '--port', '0', ...args], {
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const hub = new HubProcess(dir, child)
    atEnd(async () => void (await hub.stop()))
    for (let waited = 0; waited < 120_000; waited += 100) {
      if (child.exitCode !== null) throw new Error(`the hub ended:\n${hub.output}`)
      if (await readFile(join(dir, '.causeway/hub.json')).catch(() => null)) return hub
      await sleep(100)
    }
    throw new Error(`the hub did not start:\n${hub.output}`)
  }

  /** Ends it as the kernel would: no handler runs. */
  async kill(): Promise<void> {
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }

  /** Ends it as a person would; gives the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit')
      this.child.kill('SIGINT')
      await gone
    }
    return this.child.exitCode
  }

  async url(): Promise<string> {
    return (JSON.parse(await readFile(join(this.dir, '.causeway/hub.json'), 'utf8')) as { url: string }).url
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const url = await this.url()
    const token = (await readFile(join(this.dir, '.causeway/admin-token'), 'utf8')).trim()
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text ? JSON.parse(text) : null) as T
  }
}

/** Waits until something holds; fails with the last value seen. */
export async function until<T>(look: () => T | Promise<T>, holds: (value: T) => boolean, ms = 150_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const value = await look()
    if (holds(value)) return value
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms: ${JSON.stringify(value)?.slice(0, 500)}`)
    await sleep(50)
  }
}
