import { type Answer, type Call, RateLimit, Refusal, Router, type StandIn } from '../http/index.ts'
import { Store } from '../state/index.ts'
import type { World } from '../world/index.ts'
import { runBatch } from './batch.ts'
import { renderInvoice } from './document.ts'
import { parseFilter } from './filter.ts'
import { etag, Ledger } from './ledger.ts'
import { comparable, ENTITIES, type ErpRecord, moment } from './records.ts'
import { seedErp } from './seed.ts'
import { type SessionRules, Sessions } from './sessions.ts'
import { tickErp } from './tick.ts'

export type { SessionRules }

export type ErpOptions = {
  folder: string | null
  world: World
  company: string
  user: string
  password: string
  session?: SessionRules
}

/** An ERP in the manner of Business Central and Odoo: session login, offsets, a filter language, decimals as text, odd dates. */
export function createErp({ folder, world, company, user, password, session }: ErpOptions): StandIn {
  const store = new Store('erp', folder)
  const ledgers = new Map(ENTITIES.map((entity) => [entity.name as string, new Ledger(store, entity)]))
  const ledger = (name: string): Ledger => {
    const found = ledgers.get(name)
    if (found === undefined) throw new Refusal(404, 'NO_ENTITY', `There is no entity ${name}`)
    return found
  }
  store.start(() => seedErp(store, world))
  const sessions = new Sessions({ company, user, password }, session ?? { minutes: 20, requests: 2000 })
  return {
    name: 'erp',
    store,
    router: routes(ledger, sessions),
    limit: new RateLimit(200, 1000),
    authorise: (call) => sessions.authorise(call),
    refuse,
    stamp: (_table, row) => ({ ...row, modified: moment(Date.now()), revision: Number(row.revision ?? 0) + 1 }),
    tick: (random) => tickErp(random, ledger),
    expire: () => sessions.expire(),
  }
}

function routes(ledger: (name: string) => Ledger, sessions: Sessions): Router {
  const router = new Router()
  const named = (call: Call) => ledger(call.params.entity ?? '')
  const one = (status: number, record: ErpRecord): Answer => ({ status, headers: { etag: etag(record) }, json: record })
  router.on('POST', '/api/session', (call) => ({ status: 200, json: sessions.login(call) }), { open: true })
  router.on('POST', '/api/batch', (call) => runBatch(ledger, call.json(), refuse))
  router.on('GET', '/api/invoices/:id/document', (call) => printed(ledger, call))
  router.on('GET', '/api/:entity', (call) => ({ status: 200, json: list(named(call), call) }))
  router.on('POST', '/api/:entity', (call) => one(201, named(call).create(call.json())))
  router.on('GET', '/api/:entity/:id', (call) => one(200, named(call).get(call.params.id ?? '')))
  router.on('PUT', '/api/:entity/:id', (call) =>
    one(200, named(call).replace(call.params.id ?? '', call.json(), call.header('if-match'))),
  )
  router.on('PATCH', '/api/:entity/:id', (call) =>
    one(200, named(call).change(call.params.id ?? '', call.json(), call.header('if-match'))),
  )
  router.on('DELETE', '/api/:entity/:id', (call) => {
    named(call).delete(call.params.id ?? '')
    return { status: 204 }
  })
  return router
}

/** Rows from an offset on, by id unless `order` says otherwise, with the total. */
function list(ledger: Ledger, call: Call) {
  const limit = call.integer('limit', 100, 1, 500)
  const offset = call.integer('offset', 0, 0, 1_000_000)
  const { entity, table } = ledger
  const filter = call.query.get('filter')
  const test = filter === null ? () => true : parseFilter(filter, (name) => Object.hasOwn(entity.fields, name))
  const hits = [...table.rows()].filter((record) => test((name) => comparable(entity, record, name)))
  const [field = 'id', direction = 'asc'] = (call.query.get('order') ?? 'id asc').split(' ')
  if (!Object.hasOwn(entity.fields, field))
    throw new Refusal(400, 'BAD_ORDER', `There is no field ${field}`, { target: 'order' })
  const sign = direction === 'desc' ? -1 : 1
  const key = (record: ErpRecord) => comparable(entity, record, field) ?? ''
  hits.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a.id - b.id))
  return { value: hits.slice(offset, offset + limit), total: hits.length, offset, limit }
}

function printed(ledger: (name: string) => Ledger, call: Call): Answer {
  const invoice = ledger('invoices').get(call.params.id ?? '')
  const customer = ledger('customers').table.find('number', invoice.customer)[0]
  const fileName = `${invoice.number.replaceAll('/', '-')}.html`
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': `attachment; filename="${fileName}"`,
      etag: etag(invoice),
    },
    text: renderInvoice(invoice, customer),
  }
}

/** The ERP does not tell how long to wait when it has had enough, as some do not. */
function refuse(refusal: Refusal): Answer {
  const { target, existing } = refusal.details
  return {
    status: refusal.status,
    json: {
      error: {
        code: refusal.code.toUpperCase(),
        message: refusal.message,
        ...(target !== undefined && { target }),
        ...(existing !== undefined && { existing }),
        ...(refusal.problems.length > 0 && {
          details: refusal.problems.map(({ field, code, message }) => ({
            target: field,
            code: code.toUpperCase(),
            message,
          })),
        }),
      },
    },
  }
}
