import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../../access/index.ts'

/** What the page sends: the last event or tick that it has heard of. */
const AS_OF_HEADER = 'x-causeway-as-of'
const MAX_AS_OF = 100

const MAX_ANSWERS = 300
const MAX_BYTES = 16 * 1024 * 1024
const MAX_ANSWER_BYTES = 512 * 1024

/** Reads that depend on nothing but the address and what the caller may see. */
const SHARED: ReadonlySet<Access> = new Set(['hub:read', 'records:read'])

type Answer = { text: string | null; headers: Record<string, string> }
type Kept = { until: number; bytes: number; answer: Promise<Answer>; settle(answer: Answer): void }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Each read of the route is done for whoever asks, because it is written down who did. */
    unshared?: true
    /** For so long one answer serves everybody who may read the route, whatever they have heard of: it depends on the address alone. */
    sharedMs?: number
  }
  interface FastifyRequest {
    /** Others wait for the answer to this request. */
    shared: Kept | null
  }
}

const NO_ANSWER: Answer = { text: null, headers: {} }

/**
 * Pages that follow the feed ask for the same things at the same moment: all have just heard of the same event. Who names it is content with
 * an answer that was begun after it, so that one answer, and one set of queries, serves all pages that are open.
 */
export function shareAnswers(app: FastifyInstance, lastsMs: number): void {
  const kept = new Map<string, Kept>()
  app.decorateRequest('shared', null)

  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request)
    if (key === undefined) return
    const found = kept.get(key)
    if (found && found.until > performance.now()) {
      const { text, headers } = await found.answer
      // The one who was to answer could not; whoever waits asks for itself.
      if (text !== null) return void (await reply.headers(headers).send(text))
      return
    }
    const mine = makeKept(request.routeOptions.config.sharedMs ?? lastsMs)
    request.shared = mine
    kept.delete(key)
    kept.set(key, mine)
    forgetOld(kept)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    settle(request, reply, typeof payload === 'string' ? payload : null)
  })
  app.addHook('onResponse', async (request, reply) => settle(request, reply, null))
  app.addHook('onRequestAbort', async (request) => request.shared?.settle(NO_ANSWER))
}

function keyOf(request: FastifyRequest): string | undefined {
  const asOf = request.headers[AS_OF_HEADER]
  const { access, unshared, sharedMs } = request.routeOptions.config
  if (request.method !== 'GET') return undefined
  if (sharedMs !== undefined) return request.url
  if (typeof asOf !== 'string' || asOf.length > MAX_AS_OF) return undefined
  if (unshared || access === undefined || !SHARED.has(access) || request.caller === null) return undefined
  return [asOf, request.url, ...[...request.caller.scopes].sort()].join('\n')
}

function makeKept(lastsMs: number): Kept {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const kept: Kept = {
    until: performance.now() + lastsMs,
    bytes: 0,
    answer: promise,
    settle(answer) {
      kept.bytes = answer.text?.length ?? 0
      if (answer.text === null) kept.until = 0
      resolve(answer)
    },
  }
  return kept
}

function settle(request: FastifyRequest, reply: FastifyReply, text: string | null): void {
  if (!request.shared) return
  const fits = text !== null && reply.statusCode === 200 && text.length <= MAX_ANSWER_BYTES
  request.shared.settle(fits ? { text, headers: headersOf(reply) } : NO_ANSWER)
  request.shared = null
}

function headersOf(reply: FastifyReply): Record<string, string> {
  const told = ['content-type', 'cache-control'].flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return Object.fromEntries(told)
}

/** The oldest first; a map keeps the order in which they came. */
function forgetOld(kept: Map<string, Kept>): void {
  const now = performance.now()
  let bytes = 0
  for (const one of kept.values()) bytes += one.bytes
  for (const [key, one] of kept) {
    if (one.until > now && kept.size <= MAX_ANSWERS && bytes <= MAX_BYTES) return
    kept.delete(key)
    bytes -= one.bytes
  }
}
