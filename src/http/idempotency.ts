/**
 * `Idempotency-Key`, as the IETF's draft "The Idempotency-Key HTTP Header Field" has it: a request that was carried out is not carried out
 * again when it comes again under the same key, because its answer was lost, but answered as before.
 *
 * Kept is what was carried out. A refusal (4xx) did nothing, so the key is free again. After a failure (5xx), or the death of the process,
 * nobody knows: the next one who sends the same request carries it out, under the same id, by which bulk actions and runs know that they
 * are there already; all other deeds are refused by the state they left, or end in it once more (docs/decisions/0046).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { CausewayError } from '../core/index.ts'
import type { Claimed, RequestClaim } from '../store/index.ts'
import { stringifyVerbatim } from '../store/views/index.ts'
import { API } from './app.ts'
import { toProblem } from './problem.ts'
import type { RequestKeys } from './request-keys.ts'
import { KeyHeaders } from './schemas/key.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a request gets that comes again under its key. Unless said otherwise the first answer. `refused`: word that it was carried out,
     * for the answer holds a secret or records and is not kept. `anew`: the route takes no keys, for it changes nothing.
     */
    repeat?: 'refused' | 'anew'
    /** Refusals that its schema does not tell: of headers, of things that no path names, of states though it takes no keys, of bodies though it wants none. */
    mayAnswer?: readonly (400 | 404 | 409 | 413 | 415)[]
  }
  interface FastifyRequest {
    /** The key of the request, while it is carried out. */
    claim: (RequestClaim & { begun?: true }) | null
  }
}

const HEADER = 'idempotency-key'
/** Of answers that were given before. */
export const REPLAYED = 'idempotent-replayed'
const JSON_TYPE = 'application/json; charset=utf-8'
/** Most requests are carried out in less. */
const COME_BACK_MS = 1_000
/** Answers of actions are small; a larger one is not worth its room. */
const MAX_KEPT = 64 * 1024

/** True for what is done by a POST of somebody who is known. */
export function takesKeys({ method, url, config, schema }: RouteOptions): boolean {
  if (method !== 'POST' || !url.startsWith(`${API}/`) || !schema) return false
  return config?.access !== undefined && config.access !== 'public' && config.repeat !== 'anew'
}

/** For Fastify's `onRoute` hook: lets a route take keys, and keeps what it answers. */
export function takeKeys(route: RouteOptions, keys: RequestKeys): void {
  if (!takesKeys(route)) return
  const { handler, config, schema } = route
  const status = Number(Object.keys(schema?.response ?? {}).find((code) => code.startsWith('2')))
  const isKept = config?.repeat !== 'refused'
  route.schema = { ...schema, headers: KeyHeaders }
  route.handler = function keyed(request, reply) {
    const work = async (): Promise<unknown> => handler.call(this, request, reply)
    return request.claim ? carryOut(keys, request, work, { status, isKept }) : work()
  }
}

/** Looks for the key of each request before anything else of it is looked at: what was done changed what conditions are held against. */
export function answerByKey(app: FastifyInstance, keys: RequestKeys): void {
  app.decorateRequest('claim', null)
  app.addHook('preHandler', async (request, reply) => {
    const given = request.headers[HEADER]
    const { routeOptions, caller } = request
    if (given === undefined || !caller || !takesKeys(routeOptions as RouteOptions)) return
    const key = bare(String(given))
    const operation = String(routeOptions.schema?.operationId)
    const said = JSON.stringify([request.method, request.url, request.body ?? {}])
    const claimed = await keys.claim({ actor: caller.actor, key, operation, said })
    if (request.isLate) {
      if (claimed.as === 'mine') await noted(request, keys.giveBack(claimed.claim))
      return reply
    }
    if (claimed.as !== 'mine') return answerAgain(reply, key, claimed)
    request.claim = claimed.claim
  })
  // Refused on the way to its route, by a condition say: nothing was done.
  app.addHook('onSend', async (request) => {
    const { claim } = request
    if (!claim || claim.begun) return
    request.claim = null
    await noted(request, keys.giveBack(claim))
  })
}

/** The draft writes keys in quotes, as strings of structured fields; most clients write none. */
const bare = (text: string): string => /^"([^"]+)"$/.exec(text)?.[1] ?? text

function answerAgain(reply: FastifyReply, key: string, claimed: Exclude<Claimed, { as: 'mine' }>): FastifyReply {
  if (claimed.as === 'another')
    throw new CausewayError('CSW-8026', {
      what: `The key "${key}" came with another request (${claimed.operation}) before.`,
    })
  if (claimed.as === 'under-way')
    throw new CausewayError('CSW-8031', {
      what: `The request with the key "${key}" is being carried out.`,
      retryAfterMs: COME_BACK_MS,
    })
  if (claimed.body === null)
    throw new CausewayError('CSW-8032', {
      what: `The request with the key "${key}" was carried out (${claimed.status}).`,
    })
  return reply.code(claimed.status).header(REPLAYED, 'true').type(JSON_TYPE).send(claimed.body)
}

async function carryOut(
  keys: RequestKeys,
  request: FastifyRequest,
  work: () => Promise<unknown>,
  answer: { status: number; isKept: boolean },
): Promise<unknown> {
  const claim = request.claim!
  claim.begun = true
  const living = setInterval(() => void noted(request, keys.renew(claim)), keys.renewMs)
  try {
    const payload = await work()
    // As for readers of the hub: what systems said is not kept here, for an erasure would have to find it.
    const text = answer.isKept ? stringifyVerbatim(payload) : null
    // It is done, whether that can be written down or not.
    await noted(request, keys.settle(claim, answer.status, text && text.length > MAX_KEPT ? null : text))
    return payload
  } catch (error) {
    const isRefusal = toProblem(error, request.id).problem.status < 500
    await noted(request, isRefusal ? keys.giveBack(claim) : keys.leave(claim))
    throw error
  } finally {
    clearInterval(living)
  }
}

/** What cannot be written into the book now lapses there by itself. */
async function noted(request: FastifyRequest, written: Promise<void>): Promise<void> {
  await written.catch((error: unknown) => request.log.warn({ err: error }, 'the key of a request was not noted'))
}
