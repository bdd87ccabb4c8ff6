import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createCrm } from './crm/index.ts'
import { createDirectory } from './directory/index.ts'
import { createDocuments } from './documents/index.ts'
import { createErp, type SessionRules } from './erp/index.ts'
import { readPorts, takeFolder, writePorts } from './folder.ts'
import { createHelpdesk } from './helpdesk/index.ts'
import { createHrm } from './hrm/index.ts'
import { Refusal, type Running, type StandIn, serve } from './http/index.ts'
import { freeOr0 } from './ports.ts'
import { SideDoor } from './side-door.ts'
import { makeWorld, Random } from './world/index.ts'

export const SYSTEMS = ['crm', 'helpdesk', 'erp', 'hrm', 'documents', 'directory'] as const
export type SystemName = (typeof SYSTEMS)[number]

export type SandboxOptions = {
  /** Wanted ports; one that is taken is replaced by a free one. 0 asks for any. Default 4101 to 4106. */
  ports?: Partial<Record<SystemName, number>>
  /** Where the state is kept over restarts; absent = in memory. */
  dataDir?: string
  seed?: number
  /** Time between two rounds of changes; 0 or absent = nothing changes by itself. */
  clockMs?: number
  /** How long an ERP session lasts. */
  erpSession?: SessionRules
  /** First wait before a refused webhook is sent again. */
  webhookRetryMs?: number
}

/** Invented credentials of systems that listen on loopback only; no secrets. */
const KEYS = {
  crm: { key: 'sample-crm-key' },
  helpdesk: { email: 'integration@wislana-soehne.example', token: 'sample-helpdesk-token' },
  erp: { company: 'WISLANA', user: 'integration', password: 'sample-erp-password' },
  hrm: { token: 'sample-hrm-token' },
  documents: { token: 'sample-documents-token' },
  directory: { token: 'sample-directory-token' },
} as const
const SIDE_DOOR_TOKEN = 'sample-side-door'
const FIRST_PORT = 4101

/** The variables a hub needs to read its files while the systems do not run: default addresses, the usual credentials. */
export function sampleEnvironment(): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [i, name] of SYSTEMS.entries()) {
    const values = { url: `http://127.0.0.1:${FIRST_PORT + i}`, ...KEYS[name] }
    for (const [key, value] of Object.entries(values)) env[`SAMPLE_${name}_${key}`.toUpperCase()] = value
  }
  return env
}

type Keys = typeof KEYS
/** Addresses and credentials of the running systems; `door` is the side door for tests. */
export type Sandbox = { [Name in SystemName]: Keys[Name] & { url: string; door: SideDoor } } & {
  /** The same as variables: SAMPLE_CRM_URL, SAMPLE_CRM_KEY, … */
  env: Record<string, string>
  stop(): Promise<void>
}

/** Starts the sample systems on loopback ports. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { dataDir, seed = 7, clockMs = 0 } = options
  const release = dataDir === undefined ? () => {} : takeFolder(dataDir)
  const exports = exportsFolder(dataDir)
  const running: Running[] = []
  try {
    const standIns = createAll(options, seed)
    const random = new Random(Date.now())
    for (const standIn of standIns) {
      const tick = (times: number) => runClock(standIn, random, times)
      running.push(await listen(standIn, options, tick))
    }
    if (dataDir !== undefined) writePorts(dataDir, Object.fromEntries(running.map(({ name, port }) => [name, port])))
    const clock = clockMs > 0 ? setInterval(() => runClocks(standIns, random), clockMs) : null
    clock?.unref()
    return describe(running, exports.path, async () => {
      if (clock !== null) clearInterval(clock)
      await Promise.all(running.map((one) => one.stop()))
      exports.discard()
      release()
    })
  } catch (error) {
    await Promise.all(running.map((one) => one.stop()))
    exports.discard()
    release()
    throw error
  }
}

/** A folder for files that syncs write; it stays as long as the state does. */
function exportsFolder(dataDir: string | undefined): { path: string; discard(): void } {
  if (dataDir === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'sandbox-exports-'))
    return { path, discard: () => rmSync(path, { recursive: true, force: true }) }
  }
  const path = resolve(dataDir, 'exports')
  mkdirSync(path, { recursive: true })
  return { path, discard: () => {} }
}

function createAll({ dataDir, erpSession, webhookRetryMs }: SandboxOptions, seed: number): StandIn[] {
  const base = { folder: dataDir ?? null, world: makeWorld(seed) }
  return [
    createCrm({ ...base, ...KEYS.crm, ...(webhookRetryMs !== undefined && { webhookRetryMs }) }),
    createHelpdesk({ ...base, ...KEYS.helpdesk }),
    createErp({ ...base, ...KEYS.erp, ...(erpSession !== undefined && { session: erpSession }) }),
    createHrm({ ...base, ...KEYS.hrm }),
    createDocuments({ ...base, ...KEYS.documents }),
    createDirectory({ ...base, ...KEYS.directory }),
  ]
}

async function listen(standIn: StandIn, options: SandboxOptions, tick: (times: number) => void): Promise<Running> {
  const name = standIn.name as SystemName
  const before = options.dataDir === undefined ? undefined : readPorts(options.dataDir)[name]
  const wanted = options.ports?.[name] ?? before ?? FIRST_PORT + SYSTEMS.indexOf(name)
  try {
    return await serve(standIn, await freeOr0(wanted), SIDE_DOOR_TOKEN, tick)
  } catch (error) {
    // Somebody took the port between the look and the listen.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return serve(standIn, 0, SIDE_DOOR_TOKEN, tick)
  }
}

const runClocks = (standIns: StandIn[], random: Random): void => {
  for (const standIn of standIns) runClock(standIn, random, 1)
}

function runClock(standIn: StandIn, random: Random, times: number): void {
  for (let i = 0; i < times; i++) {
    try {
      standIn.store.as('clock', () => standIn.tick(random))
    } catch (error) {
      // Two changes of one round may exclude each other (archived, then merged); people would shrug as well.
      if (!(error instanceof Refusal)) throw error
    }
    standIn.committed?.()
  }
}

function describe(running: Running[], exports: string, stop: () => Promise<void>): Sandbox {
  const systems: Record<string, unknown> = {}
  const env: Record<string, string> = { SAMPLE_SIDE_DOOR_TOKEN: SIDE_DOOR_TOKEN, SAMPLE_EXPORTS_FOLDER: exports }
  for (const { name, url } of running) {
    const keys: Record<string, string> = KEYS[name as SystemName]
    systems[name] = { ...keys, url, door: new SideDoor(url, SIDE_DOOR_TOKEN) }
    for (const [key, value] of Object.entries({ url, ...keys })) env[`SAMPLE_${name}_${key}`.toUpperCase()] = value
  }
  return { ...systems, env, stop } as Sandbox
}
