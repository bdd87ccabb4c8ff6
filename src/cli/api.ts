import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { CausewayError, createLogger } from '../core/index.ts'
import { type HubRole, loadAssembly } from './assembly.ts'
import type { CliContext } from './context.ts'
import { type Api, CALL_MS, problemError, remoteApi } from './remote-api.ts'
import { usageError } from './report-error.ts'
import { findRunningHub, type RunningHub } from './running-hub.ts'
import type { SettingFlags } from './setting-flags.ts'
import { followSignposts } from './signposts.ts'
import { pointingOutUnknown } from './unknown-names.ts'

export type { Api } from './remote-api.ts'

/**
 * Reaches the hub: the one at `--url`, else the one that runs in the hub folder, else one opened in this process (`role` says
 * whether it also works).
 */
export async function openApi(context: CliContext, role: HubRole = 'command'): Promise<Api> {
  if (context.url !== undefined) return remoteApi(context.url, await tokenFor(context))
  const found = await findHub(context.dir)
  return found ? remoteApi(found.running.url, await tokenFor(context, found.dataDir)) : localApi(context, role)
}

/**
 * The hub that runs from this folder: in the data folder that the folder names, or where one that was started with `--data-dir` left word.
 * Throws CSW-8020 where several keep their data elsewhere. A data folder that was named for this command is the only one that counts.
 */
export async function findHub(dir: string): Promise<{ dataDir: string; running: RunningHub } | undefined> {
  const dataDir = await dataDirOf(dir)
  const running = dataDir === undefined ? undefined : await findRunningHub(dataDir)
  if (dataDir !== undefined && running) return { dataDir, running }
  if (process.env.CAUSEWAY_DATA_DIR) return undefined
  const elsewhere = await followSignposts(dir)
  if (elsewhere.length > 1)
    throw usageError(
      `Several hubs run from this folder: ${elsewhere.map((hub) => `${hub.running.url} (data in ${hub.dataDir})`).join(', ')}.`,
      'Name one with CAUSEWAY_DATA_DIR, or with `--url` and `--token-file`.',
    )
  return elsewhere[0]
}

/** Runs `work` with the API and closes it, whatever happens. */
export async function withApi<T>(context: CliContext, work: (api: Api) => Promise<T>, role?: HubRole): Promise<T> {
  const api = await openApi(context, role)
  try {
    return await work(pointingOutUnknown(api, (text) => context.output.note(text)))
  } finally {
    await api.close()
  }
}

/** The data folder of the hub in `dir`; undefined when there is no hub file. Other faults of the file do not matter here. */
export async function dataDirOf(
  dir: string,
  flags: SettingFlags = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  try {
    const { checkHub } = await import('../config/index.ts')
    const { settings } = await checkHub({ folder: dir, flags, env })
    return resolve(dir, settings.data_dir)
  } catch {
    return undefined
  }
}

/** The token for a hub: of the file that was named, of the environment, or of the data folder (`ofHub`, else that of the hub folder). */
export async function tokenFor(context: Pick<CliContext, 'dir' | 'tokenFile'>, ofHub?: string): Promise<string> {
  const file = context.tokenFile ?? process.env.CAUSEWAY_ADMIN_TOKEN_FILE
  if (file === undefined && process.env.CAUSEWAY_ADMIN_TOKEN) return process.env.CAUSEWAY_ADMIN_TOKEN
  const dataDir = file === undefined ? (ofHub ?? (await dataDirOf(context.dir))) : undefined
  const path = file ?? join(dataDir ?? resolve(context.dir, '.causeway'), 'admin-token')
  try {
    return (await readFile(resolve(path), 'utf8')).trim()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new CausewayError('CSW-8001', {
      what: `The admin token cannot be read from ${path} (${code}).`,
      fix: 'Name the file with `--token-file`, or set CAUSEWAY_ADMIN_TOKEN.',
    })
  }
}

/** Containers run as numbers that no name belongs to. */
function whoIsHere(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** Opens the hub here and asks its routes without a socket, so that there is one code path for every answer. */
async function localApi(context: CliContext, role: HubRole): Promise<Api> {
  const [{ openHub }, { buildServer }] = await Promise.all([loadAssembly(), import('../http/index.ts')])
  // stdout is for the result.
  const logger = createLogger({ level: 'warn', destination: process.stderr })
  const hub = await openHub({ dir: context.dir, role, logger })
  const token = randomBytes(32).toString('base64url')
  const app = await buildServer(hub.services, {
    database: hub.pool,
    access: hub.access,
    adminToken: token,
    adminActor: `cli:${whoIsHere()}`,
    version: context.version,
    // Nobody but this command asks.
    limits: { handlerMs: CALL_MS, requestsPerMinute: Number.MAX_SAFE_INTEGER },
  }).catch(async (error: unknown) => {
    await hub.close()
    throw error
  })
  return {
    url: null,
    async call(method, path, body) {
      const response = await app.inject({
        method,
        url: path,
        headers: { authorization: `Bearer ${token}` },
        ...(body ? { payload: body } : {}),
      })
      if (response.statusCode >= 400) throw problemError(response.body, response.statusCode, null)
      return response.body
    },
    async close() {
      await app.close()
      await hub.close()
    },
  }
}

/** A path with a query; undefined values are left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  const text = parameters.toString()
  return text ? `${path}?${text}` : path
}
