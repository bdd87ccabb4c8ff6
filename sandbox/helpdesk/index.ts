import { type Answer, type Call, RateLimit, Refusal, Router, type StandIn } from '../http/index.ts'
import { Store } from '../state/index.ts'
import type { World } from '../world/index.ts'
import { Desk } from './desk.ts'
import { list } from './list.ts'
import { RESOURCES, seconds } from './records.ts'
import { seedHelpdesk } from './seed.ts'
import { tickHelpdesk } from './tick.ts'

export type HelpdeskOptions = { folder: string | null; world: World; email: string; token: string }

/** A helpdesk in the manner of Zendesk and Freshdesk: `email/token` as user, numbered pages, wrapped records, 422 with fields. */
export function createHelpdesk({ folder, world, email, token }: HelpdeskOptions): StandIn {
  const store = new Store('helpdesk', folder)
  const desks = new Map(RESOURCES.map((resource) => [resource.name as string, new Desk(store, resource)]))
  const desk = (name: string): Desk => {
    const found = desks.get(name)
    if (found === undefined) throw new Refusal(404, 'InvalidEndpoint', `There is nothing called ${name}`)
    return found
  }
  store.start(() => seedHelpdesk(store, world))
  const credentials = `Basic ${Buffer.from(`${email}/token:${token}`).toString('base64')}`
  return {
    name: 'helpdesk',
    store,
    router: routes(desk),
    limit: new RateLimit(2500, 60_000),
    authorise(call) {
      if (call.header('authorization') !== credentials)
        throw new Refusal(401, 'Unauthorized', "Couldn't authenticate you")
    },
    refuse,
    headers: (remaining) => ({ 'x-rate-limit': '2500', 'x-rate-limit-remaining': String(remaining) }),
    stamp: (_table, row) => ({ ...row, updated_at: seconds() }),
    tick: (random) => tickHelpdesk(random, desk('tickets'), desk('agents'), desk('requesters')),
  }
}

function routes(desk: (name: string) => Desk): Router {
  const router = new Router()
  const named = (call: Call) => desk(call.params.resource ?? '')
  const wrap = (status: number, one: Desk, record: unknown): Answer => ({
    status,
    json: { [one.resource.wrapper]: record },
  })
  router.on('GET', '/api/v2/:resource', (call) => list(named(call), call))
  router.on('POST', '/api/v2/:resource', (call) => {
    const record = named(call).create(unwrap(named(call), call))
    const answer = wrap(201, named(call), record)
    return { ...answer, headers: { location: `${call.origin}${call.path}/${record.id}` } }
  })
  router.on('GET', '/api/v2/:resource/:id', (call) => wrap(200, named(call), named(call).get(call.params.id ?? '')))
  router.on('PUT', '/api/v2/:resource/:id', (call) => {
    const { safe_update, updated_stamp, ...values } = unwrap(named(call), call)
    const stamp = safe_update === true ? (updated_stamp ?? null) : undefined
    return wrap(200, named(call), named(call).update(call.params.id ?? '', values, stamp))
  })
  router.on('DELETE', '/api/v2/:resource/:id', (call) => {
    named(call).delete(call.params.id ?? '')
    return { status: 204 }
  })
  return router
}

function unwrap(desk: Desk, call: Call): Record<string, unknown> {
  const { wrapper } = desk.resource
  const inner = call.json()[wrapper]
  if (inner === null || typeof inner !== 'object' || Array.isArray(inner))
    throw new Refusal(400, 'InvalidBody', `The body must be {"${wrapper}": {…}}`)
  return inner as Record<string, unknown>
}

function refuse(refusal: Refusal): Answer {
  const waitMs = refusal.details.waitMs
  const headers: Record<string, string> = refusal.status === 401 ? { 'www-authenticate': 'Basic realm="helpdesk"' } : {}
  if (typeof waitMs === 'number') headers['retry-after'] = String(Math.ceil(waitMs / 1000))
  if (refusal.problems.length === 0)
    return { status: refusal.status, headers, json: { error: refusal.code, description: refusal.message } }
  return {
    status: refusal.status,
    headers,
    json: {
      description: refusal.message,
      errors: refusal.problems.map(({ field, message, code }) => ({ field, message, code })),
    },
  }
}
