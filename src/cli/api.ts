import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { CausewayError, createLogger, type ErrorCode, errorRegistry } from '../core/index.ts'
import type { Problem } from '../http/index.ts'
import { type HubRole, loadAssembly } from './assembly.ts'
import type { CliContext } from './context.ts'
import { findRunningHub } from './running-hub.ts'
import type { SettingFlags } from './setting-flags.ts'

/** The hub's API, over a socket or inside this process: commands cannot tell the difference. */
export type Api = {
  /** Sends a request and gives the body text. Throws the problem as the error it stands for. */
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<string>
  /** Where it is; null inside this process. */
  url: string | null
  close(): Promise<void>
}

const CALL_MS = 60_000

/**
 * Reaches the hub: the one at `--url`, else the one that runs in the hub folder, else one opened in this process (`role` says
 * whether it also works).
 */
export async function openApi(context: CliContext, role: HubRole = 'command'): Promise<Api> {
  if (context.url !== undefined) return remoteApi(context.url, await tokenFor(context))
  const dataDir = await dataDirOf(context.dir)
  const running = dataDir === undefined ? undefined : await findRunningHub(dataDir)
  return running ? remoteApi(running.url, await tokenFor(context)) : localApi(context, role)
}

/** Runs `work` with the API and closes it, whatever happens. */
export async function withApi<T>(context: CliContext, work: (api: Api) => Promise<T>, role?: HubRole): Promise<T> {
  const api = await openApi(context, role)
  try {
    return await work(api)
  } finally {
    await api.close()
  }
}

/** The data folder of the hub in `dir`; undefined when there is no hub file. Other faults of the file do not matter here. */
export async function dataDirOf(dir: string, flags: SettingFlags = {}): Promise<string | undefined> {
  try {
    const { checkHub } = await import('../config/index.ts')
    const { settings } = await checkHub({ folder: dir, flags })
    return resolve(dir, settings.data_dir)
  } catch {
    return undefined
  }
}

/** The token for a hub elsewhere: of the file that was named, of the environment, or of the hub folder. */
export async function tokenFor(context: Pick<CliContext, 'dir' | 'tokenFile'>): Promise<string> {
  const file = context.tokenFile ?? process.env.CAUSEWAY_ADMIN_TOKEN_FILE
  if (file === undefined && process.env.CAUSEWAY_ADMIN_TOKEN) return process.env.CAUSEWAY_ADMIN_TOKEN
  const dataDir = file === undefined ? await dataDirOf(context.dir) : undefined
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

/** The API of a hub over its socket. Calls end after `callMs`. */
export function remoteApi(url: string, token: string, callMs = CALL_MS): Api {
  const base = URL.parse(url)
  if (!base || !/^https?:$/.test(base.protocol))
    throw new CausewayError('CSW-8020', {
      what: `${JSON.stringify(url)} is not the URL of a hub.`,
      fix: 'Write it like http://127.0.0.1:4000.',
    })
  const origin = base.href.replace(/\/$/, '')
  return {
    url: origin,
    async call(method, path, body) {
      const response = await fetch(`${origin}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        // The token goes to this address and nowhere else.
        redirect: 'error',
        signal: AbortSignal.timeout(callMs),
      }).catch((cause: unknown) => {
        throw new CausewayError('CSW-8021', {
          what: `The hub at ${origin} does not answer (${reasonOf(cause)}).`,
          cause,
        })
      })
      const text = await response.text()
      if (!response.ok) throw problemError(text, response.status, response.headers.get('retry-after'))
      return text
    },
    close: async () => {},
  }
}

const reasonOf = (error: unknown): string => {
  const cause = (error as { cause?: { code?: string } }).cause
  return cause?.code ?? (error instanceof Error ? error.message : String(error))
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

function problemError(text: string, status: number, retryAfter: string | null): CausewayError {
  try {
    const problem = JSON.parse(text) as Problem
    if (problem.code in errorRegistry)
      return new CausewayError(problem.code as ErrorCode, {
        what: problem.detail,
        fix: problem.fix,
        data: { status, requestId: problem.requestId, ...(problem.errors ? { errors: problem.errors } : {}) },
        ...(retryAfter ? { retryAfterMs: Number(retryAfter) * 1_000 } : {}),
      })
  } catch {
    // Not our hub, or something in front of it.
  }
  return new CausewayError('CSW-8021', { what: `The address answered ${status} and not as a hub does.` })
}

/** A path with a query; undefined values are left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  const text = parameters.toString()
  return text ? `${path}?${text}` : path
}
