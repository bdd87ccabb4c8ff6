import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CausewayError, digest } from '../core/index.ts'
import { API } from './app.ts'
import type { Problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Lets the next action on the same thing begin. */
    leave: (() => void) | null
  }
}

/**
 * Tags of what the API shows, answers that spare what the client has (`If-None-Match`), and actions on condition that a thing is still as
 * the client saw it (`If-Match`): RFC 9110, 8.8.3 and 13.1. The thing is what stands before the last step of the action's address.
 *
 * Of actions on one thing at one `serve` no other one begins between the look and the end of one that has a condition. What began before and has
 * none is not waited for: a plan or an undo may take minutes, and nobody may have to wait so long to pause a sync. Between several processes that is left to what each action itself refuses: a letter that is closed, a filter that selects something else.
 */
export function answerPreconditions(app: FastifyInstance): void {
  const under = new Map<string, Promise<void>>()
  app.decorateRequest('leave', null)

  app.addHook('preHandler', async (request, reply) => {
    const thing = thingOf(request)
    if (thing === undefined) return
    while (under.has(thing)) await under.get(thing)
    const wanted = request.headers['if-match']
    if (wanted === undefined) return request.isLate ? reply : undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    under.set(thing, promise)
    const leave = (): void => {
      under.delete(thing)
      resolve()
    }
    try {
      const tag = await tagOf(app, request, thing)
      if (tag === undefined || !(wanted.trim() === '*' || tagsIn(wanted).includes(tag))) throw changed(thing, tag)
    } catch (error) {
      leave()
      throw error
    }
    if (!request.isLate) {
      request.leave = leave
      return
    }
    // Its action does not begin any more, so nothing would ever end.
    leave()
    return reply
  })
  // When the action has ended: it is done also where the client broke off, of whom `onResponse` never hears.
  app.addHook('onSend', async (request, reply, payload) => {
    request.leave?.()
    return tagged(request, reply, payload)
  })
}

function thingOf({ method, url }: FastifyRequest): string | undefined {
  if (method !== 'POST' || !url.startsWith(`${API}/`)) return undefined
  const path = url.split('?')[0]!
  return path.slice(0, path.lastIndexOf('/'))
}

/** By what a caller is known, and how they came here: over TLS they have another cookie. */
const CALLER_HEADERS = ['authorization', 'cookie', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] as const

/** The tag of a thing as the caller sees it; undefined where it is shown to nobody, or not to them. */
async function tagOf(app: FastifyInstance, request: FastifyRequest, thing: string): Promise<string | undefined> {
  if (thing === API) return undefined
  const told = CALLER_HEADERS.flatMap((name) => (request.headers[name] ? [[name, request.headers[name]]] : []))
  const answer = await app.inject({
    method: 'GET',
    url: thing,
    // With what a proxy says of the caller goes the address of that proxy, or it would not be believed.
    remoteAddress: request.socket.remoteAddress ?? request.ip,
    headers: Object.fromEntries(told),
  })
  // That it could not be looked says nothing about the thing.
  if (answer.statusCode === 429 || answer.statusCode >= 500) throw notLooked(answer)
  return answer.statusCode === 200 ? answer.headers.etag : undefined
}

function notLooked({ body, headers }: { body: string; headers: OutgoingHttpHeaders }): CausewayError {
  const { code, detail } = JSON.parse(body) as Problem
  const seconds = Number(headers['retry-after'])
  return new CausewayError(code, { what: detail, ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}) })
}

function changed(thing: string, tag: string | undefined): CausewayError {
  const what =
    tag === undefined
      ? `${thing} shows nothing that a condition could be held against`
      : `${thing} is not what the condition names: its tag is ${tag} now`
  return new CausewayError('CSW-8029', { what })
}

function tagged(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (request.method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload
  if (!request.url.startsWith(`${API}/`)) return payload
  const tag = `"${digest(payload)}"`
  reply.header('etag', tag)
  const held = request.headers['if-none-match']
  if (held === undefined || !(held.trim() === '*' || tagsIn(held, 'weak').includes(tag))) return payload
  reply.code(304).removeHeader('content-type').removeHeader('content-length')
  return null
}

/** The tags that a condition lists. Weak ones say only that something means the same, which is too little to change it by. */
const tagsIn = (list: string, compared: 'strong' | 'weak' = 'strong'): string[] =>
  [...list.matchAll(/(W\/)?("[^"]*")/g)].flatMap(([, weak, tag]) => (weak && compared === 'strong' ? [] : [tag!]))
