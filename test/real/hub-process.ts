import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './boot/process.ts'

const here = path.dirname(fileURLToPath(import.meta.url))
const entry = path.resolve(here, '../../bin/causeway.mjs')
const TOKEN = 'real-systems-test-token-of-no-use-elsewhere'

export type Ended = {
  outcome: string | null
  counts: { pull?: Record<string, number>; push?: Record<string, number> }
  error: { code?: string; what?: string } | null
}

/** A hub as people run it: `causeway start` on a copy of `hub/`, asked over its API. */
export class HubProcess {
  readonly folder: string
  private readonly child: ChildProcess
  private readonly url: string

  private constructor(folder: string, child: ChildProcess, url: string) {
    this.folder = folder
    this.child = child
    this.url = url
  }

  static async start(env: Record<string, string>): Promise<HubProcess> {
    const folder = mkdtempSync(path.join(tmpdir(), 'causeway-real-hub-'))
    cpSync(path.join(here, 'hub'), folder, { recursive: true })
    cpSync(env.LDAP_CA_FILE!, path.join(folder, 'ca-ldap.crt'))
    cpSync(env.DAV_CA_FILE!, path.join(folder, 'ca-dav.crt'))
    cpSync(env.MARIADB_CA_FILE!, path.join(folder, 'ca-mariadb.crt'))
    cpSync(env.POSTGRES_CA_FILE!, path.join(folder, 'ca-postgresql.crt'))
    const port = await freePort()
    // After kill −9 of this run nobody stops the hub: the kernel then does.
    const [file, ...args] = ['setpriv', '--pdeathsig', 'TERM', process.execPath, entry, '-C', folder, 'start'] as const
    const child = spawn(file, args, {
      env: { ...process.env, ...env, CAUSEWAY_PORT: String(port), CAUSEWAY_ADMIN_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(path.join(folder, 'hub.log'))
    child.stdout?.pipe(log)
    child.stderr?.pipe(process.stderr)
    const hub = new HubProcess(folder, child, `http://127.0.0.1:${port}`)
    await hub.ready()
    return hub
  }

  /** Runs a sync and waits until it is finished. */
  async run(sync: string, options: { full?: boolean; withinMs?: number } = {}): Promise<Ended> {
    const { full = false, withinMs = 600_000 } = options
    const at = `/api/v1/syncs/${sync}`
    const { requestId } = await this.call<{ requestId: string }>('POST', `${at}/run`, full ? { full } : {})
    const deadline = performance.now() + withinMs
    for (;;) {
      const progress = await this.call<Ended & { state: string }>('GET', `${at}/requests/${requestId}`)
      if (progress.state === 'finished') return progress
      if (performance.now() > deadline) throw new Error(`${sync} did not end: ${JSON.stringify(progress)}`)
      await sleep(200)
    }
  }

  async call<T>(method: 'GET' | 'POST', route: string, body?: object): Promise<T> {
    const response = await fetch(this.url + route, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve))
      this.child.kill('SIGTERM')
      await Promise.race([ended, sleep(20_000).then(() => this.child.kill('SIGKILL'))])
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async ready(): Promise<void> {
    for (let waited = 0; waited < 300_000; waited += 200) {
      if (this.child.exitCode !== null) throw new Error(`the hub ended with ${this.child.exitCode}`)
      const answer = await fetch(`${this.url}/readyz`).catch(() => null)
      if (answer?.ok) return
      await sleep(200)
    }
    throw new Error('the hub did not become ready')
  }
}
