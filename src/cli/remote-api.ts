import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError, type ErrorCode, errorRegistry, newId } from '../core/index.ts'
import type { Problem } from '../http/index.ts'

/** The hub's API, over a socket or inside this process: commands cannot tell the difference. */
export type Api = {
  /** Sends a request and gives the body text. Throws the problem as the error it stands for. */
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<string>
  /** Where it is; null inside this process. */
  url: string | null
  close(): Promise<void>
}

export const CALL_MS = 60_000

/** What is said when a connection that stood is cut, by the other side or by somebody between. */
const CUT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])
/** After a cut the hub may be starting anew. */
const STARTING = new Set(['ECONNREFUSED'])
const WAITS_MS = [250, 500, 1_000, 2_000, 4_000]

/**
 * The API of a hub over its socket. Calls end after `callMs`. One whose connection is cut is sent again: whatever it does carries a key
 * (`Idempotency-Key`), so that the hub does not do twice what it had done when the answer was lost.
 */
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
      const end = AbortSignal.timeout(callMs)
      const init: RequestInit = {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(method === 'POST' ? { 'idempotency-key': newId() } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        // The token goes to this address and nowhere else.
        redirect: 'error',
        signal: end,
      }
      return untilAnswered(() => ask(origin, path, init), end)
    },
    close: async () => {},
  }
}

async function ask(origin: string, path: string, init: RequestInit): Promise<string> {
  let response: Response
  let text: string
  try {
    response = await fetch(`${origin}${path}`, init)
    text = await response.text()
  } catch (cause) {
    throw new CausewayError('CSW-8021', { what: `The hub at ${origin} does not answer (${reasonOf(cause)}).`, cause })
  }
  if (!response.ok) throw problemError(text, response.status, response.headers.get('retry-after'))
  return text
}

/** Asks again after a cut, and while the hub is still at what a former try began. */
async function untilAnswered(once: () => Promise<string>, end: AbortSignal): Promise<string> {
  for (let cuts = 0; ; ) {
    try {
      return await once()
    } catch (error) {
      const wait = waitBefore(error as CausewayError, cuts)
      if (wait === undefined || end.aborted) throw error
      if (!isUnderWay(error as CausewayError)) cuts++
      await sleep(wait, undefined, { signal: end }).catch(() => {
        throw error
      })
    }
  }
}

const isUnderWay = ({ code }: CausewayError): boolean => code === 'CSW-8031'

/** Undefined where to ask again makes no sense: a hub that never answered is not there, and one that refused has spoken. */
function waitBefore(error: CausewayError, cuts: number): number | undefined {
  if (isUnderWay(error)) return error.retryAfterMs ?? WAITS_MS[0]
  const reason = error.code === 'CSW-8021' && error.cause !== undefined ? reasonOf(error.cause) : ''
  return CUT.has(reason) || (cuts > 0 && STARTING.has(reason)) ? WAITS_MS[cuts] : undefined
}

const reasonOf = (error: unknown): string => {
  const cause = (error as { cause?: { code?: string } }).cause
  return cause?.code ?? (error instanceof Error ? error.message : String(error))
}

/** The error that a refusal of the hub stands for. */
export function problemError(text: string, status: number, retryAfter: string | null): CausewayError {
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
