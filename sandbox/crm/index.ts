import { randomUUID } from 'node:crypto'
import { type Answer, type Call, RateLimit, Refusal, Router, type StandIn } from '../http/index.ts'
import { Store } from '../state/index.ts'
import type { World } from '../world/index.ts'
import { runBatch } from './batch.ts'
import { Book } from './book.ts'
import { OBJECTS } from './records.ts'
import { search } from './search.ts'
import { seedCrm } from './seed.ts'
import { tickCrm } from './tick.ts'
import { Webhooks } from './webhooks.ts'

export type CrmOptions = { folder: string | null; world: World; key: string; webhookRetryMs?: number }

/** A CRM in the manner of HubSpot and Pipedrive: key in a header, opaque cursors, search by POST, batches, webhooks. */
export function createCrm({ folder, world, key, webhookRetryMs = 2000 }: CrmOptions): StandIn {
  const store = new Store('crm', folder)
  const webhooks = new Webhooks(store, webhookRetryMs)
  const books = new Map(
    OBJECTS.map((object) => [object.name as string, new Book(store, object, webhooks.note.bind(webhooks))]),
  )
  const book = (name: string): Book => {
    const found = books.get(name)
    if (found === undefined) throw new Refusal(404, 'not_found', `There is no object ${name}`)
    return found
  }
  store.table('webhook-subscriptions')
  store.start(() => seedCrm(store, world))
  return {
    name: 'crm',
    store,
    router: routes(book, webhooks),
    limit: new RateLimit(100, 1000),
    authorise(call) {
      if (call.header('x-api-key') !== key) throw new Refusal(401, 'INVALID_AUTHENTICATION', 'The API key is not valid')
    },
    refuse,
    headers: (remaining) => ({ 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': String(remaining) }),
    stamp: (_table, row) => ({ ...row, updatedAt: Date.now() }),
    tick: (random) => tickCrm(random, book('contacts'), book('companies')),
    committed: () => webhooks.flush(),
    close: async () => webhooks.close(),
  }
}

function routes(book: (name: string) => Book, webhooks: Webhooks): Router {
  const router = new Router()
  webhooks.addRoutes(router)
  const named = (call: Call) => book(call.params.object ?? '')
  router.on('POST', '/crm/v1/contacts/merge', (call) => {
    const { primaryId, secondaryId } = call.json()
    return { status: 200, json: book('contacts').merge(String(primaryId), String(secondaryId)) }
  })
  router.on('POST', '/crm/v1/:object/search', (call) => ({ status: 200, json: search(named(call), call.json()) }))
  router.on('POST', '/crm/v1/:object/batch/:operation', (call) =>
    runBatch(named(call), call.params.operation ?? '', call.json()),
  )
  router.on('GET', '/crm/v1/:object', (call) => ({ status: 200, json: list(named(call), call) }))
  router.on('POST', '/crm/v1/:object', (call) => ({ status: 201, json: named(call).create(call.json()) }))
  router.on('GET', '/crm/v1/:object/:id', (call) => ({ status: 200, json: named(call).get(call.params.id ?? '') }))
  router.on('PATCH', '/crm/v1/:object/:id', (call) => ({
    status: 200,
    json: named(call).update(call.params.id ?? '', call.json()),
  }))
  router.on('DELETE', '/crm/v1/:object/:id', (call) => {
    named(call).archive(call.params.id ?? '')
    return { status: 204 }
  })
  return router
}

/** A page in the order of ids. The cursor names the last id given, so inserts and deletions shift nothing. */
function list(book: Book, call: Call) {
  const limit = call.integer('limit', 50, 1, 100)
  const after = call.query.get('after')
  const position = after === null ? 0 : decodeCursor(after)
  const archived = call.query.get('archived') === 'true'
  const rest = [...book.table.rows()].filter((record) => record.archived === archived && Number(record.id) > position)
  const results = rest.slice(0, limit)
  if (rest.length <= limit) return { results }
  return { results, paging: { next: { after: encodeCursor(results.at(-1)!.id) } } }
}

const encodeCursor = (id: string): string => Buffer.from(`id>${id}`).toString('base64url')

function decodeCursor(cursor: string): number {
  const found = /^id>(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (found === null) throw new Refusal(400, 'VALIDATION_ERROR', 'after is not a cursor of this API')
  return Number(found[1])
}

function refuse(refusal: Refusal): Answer {
  const waitMs = refusal.details.waitMs
  return {
    status: refusal.status,
    headers: typeof waitMs === 'number' ? { 'retry-after': String(Math.ceil(waitMs / 1000)) } : {},
    json: {
      status: 'error',
      category: refusal.status === 429 ? 'RATE_LIMITS' : refusal.code,
      message: refusal.message,
      correlationId: randomUUID(),
      ...(refusal.problems.length > 0 && {
        errors: refusal.problems.map(({ field, code, message }) => ({ message, code: code.toUpperCase(), in: field })),
      }),
      ...(refusal.details.existingId !== undefined && { existingId: refusal.details.existingId }),
    },
  }
}
