import type { Row } from '../state/table.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import type { FaultSpec } from './faults.ts'
import { Refusal } from './refusal.ts'
import { Router } from './router.ts'
import type { Served } from './served.ts'

/** Where tests reach into a stand-in, past its API: look at its state, change it, make it fail. */
export const SIDE_DOOR = '/__sandbox/'

const ok = (json: unknown): Answer => ({ status: 200, json })

/** Answers a call at the side door. It has its own key, is not limited and never meets a fault. */
export function answerSideDoor(served: Served, call: Call): Answer {
  try {
    if (call.header('x-sandbox-token') !== served.token) throw new Refusal(401, 'unauthorised', 'Wrong side door token')
    return routes(served).match(call).handler(call) as Answer
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, json: { error: error.message } }
    throw error
  }
}

function routes(served: Served): Router {
  const { standIn, faults, requests } = served
  const { store } = standIn
  const router = new Router()
  router.on('GET', '/__sandbox/counts', () =>
    ok(Object.fromEntries(store.tables().map((table) => [table.name, table.size]))),
  )
  router.on('GET', '/__sandbox/records/:table', (call) => ok([...tableOf(served, call).rows()]))
  router.on('GET', '/__sandbox/writes', (call) => ok(store.journal(Number(call.query.get('since') ?? 0))))
  router.on('DELETE', '/__sandbox/writes', () => {
    store.clearJournal()
    return ok({})
  })
  router.on('GET', '/__sandbox/requests', () => ok(requests))
  router.on('DELETE', '/__sandbox/requests', () => ok(requests.splice(0).length))
  router.on('GET', '/__sandbox/faults', () => ok(faults.list()))
  router.on('DELETE', '/__sandbox/faults', () => ok(faults.clear() ?? {}))
  router.on('POST', '/__sandbox/faults', (call) => ok(faults.add(call.json() as FaultSpec) ?? {}))
  router.on('POST', '/__sandbox/tick', (call) => {
    served.tick(Number(call.query.get('times') ?? 1))
    return ok({})
  })
  router.on('POST', '/__sandbox/expire', () => ok(standIn.expire?.() ?? {}))
  router.on('PUT', '/__sandbox/limit', (call) => {
    const { amount, windowMs } = call.json() as { amount: number; windowMs: number }
    return ok(standIn.limit.change(amount, windowMs) ?? {})
  })
  addRecordRoutes(router, served)
  return router
}

function addRecordRoutes(router: Router, served: Served): void {
  const { store, stamp } = served.standIn
  // Changes fields of a row, unchecked and with a new "last changed": how a test plays a user of the system.
  router.on('PATCH', '/__sandbox/records/:table/:id', (call) => {
    const table = tableOf(served, call)
    const before = table.get(call.params.id ?? '')
    if (before === undefined) throw new Refusal(404, 'not_found', 'No such record')
    return ok(write(() => table.put(call.params.id ?? '', stamp(table.name, { ...before, ...call.json() }))))
  })
  router.on('PUT', '/__sandbox/records/:table/:id', (call) => {
    const table = tableOf(served, call)
    return ok(write(() => table.put(call.params.id ?? '', stamp(table.name, call.json() as Row))))
  })
  // Takes a row away without a trace, as an administrator with database access would.
  router.on('DELETE', '/__sandbox/records/:table/:id', (call) =>
    ok(write(() => tableOf(served, call).delete(call.params.id ?? '')) ?? {}),
  )
  function write<T>(work: () => T): T {
    const result = store.as('test', work)
    served.standIn.committed?.()
    return result
  }
}

function tableOf(served: Served, call: Call) {
  const table = served.standIn.store.tables().find((one) => one.name === call.params.table)
  if (table === undefined) throw new Refusal(404, 'not_found', `No table ${call.params.table}`)
  return table
}
