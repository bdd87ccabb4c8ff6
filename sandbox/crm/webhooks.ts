import { createHmac, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { type Call, Refusal, type Router } from '../http/index.ts'
import type { Row, Store } from '../state/index.ts'
import type { Happening } from './book.ts'
import type { CrmObject } from './records.ts'

type Subscription = Row & { id: string; url: string; events: string[]; secret: string; createdAt: number }
type Event = {
  eventId: string
  subscriptionType: string
  objectType: string
  objectId: string
  occurredAt: number
  attemptNumber: number
}

const HAPPENINGS: readonly Happening[] = ['creation', 'propertyChange', 'deletion', 'merge']
const EVENTS_PER_CALL = 100
const ATTEMPTS = 5
const ANSWER_WITHIN_MS = 5_000

/**
 * Tells subscribers what happened: thin events (ids only), several in one call, signed, tried again until a 2xx comes.
 * Events wait in memory only, like those of many vendors they are lost when the system goes down.
 */
export class Webhooks {
  readonly #store: Store
  readonly #retryMs: number
  #waiting: Event[] = []
  #timers = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(store: Store, retryMs: number) {
    this.#store = store
    this.#retryMs = retryMs
  }

  get #subscriptions() {
    return this.#store.table<Subscription>('webhook-subscriptions')
  }

  /** Notes an event; it goes out after the change is saved. */
  note(object: CrmObject, happening: Happening, id: string): void {
    this.#waiting.push({
      eventId: String(this.#store.next('events', 900_001)),
      subscriptionType: `${object.singular}.${happening}`,
      objectType: object.name,
      objectId: id,
      occurredAt: Date.now(),
      attemptNumber: 0,
    })
  }

  /** Sends what was noted since the last call. */
  flush(): void {
    const events = this.#waiting
    this.#waiting = []
    for (const subscription of this.#subscriptions.rows()) {
      const wanted = events.filter((event) => subscription.events.includes(event.subscriptionType))
      for (let at = 0; at < wanted.length; at += EVENTS_PER_CALL)
        this.#deliver(subscription, wanted.slice(at, at + EVENTS_PER_CALL), 0)
    }
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  addRoutes(router: Router): void {
    const base = '/crm/v1/webhooks/subscriptions'
    router.on('POST', base, (call) => ({ status: 201, json: this.#subscribe(call) }))
    // The secret is told once, when the subscription is made.
    router.on('GET', base, () => ({
      status: 200,
      json: { results: [...this.#subscriptions.rows()].map(({ secret: _, ...rest }) => rest) },
    }))
    router.on('DELETE', `${base}/:id`, (call) => {
      const id = call.params.id ?? ''
      if (this.#subscriptions.get(id) === undefined) throw new Refusal(404, 'OBJECT_NOT_FOUND', `No subscription ${id}`)
      this.#subscriptions.delete(id)
      return { status: 204 }
    })
  }

  #subscribe(call: Call): Subscription {
    const { url, events, secret } = call.json() as { url?: string; events?: string[]; secret?: string }
    if (typeof url !== 'string' || !/^https?:\/\//.test(url))
      throw new Refusal(400, 'VALIDATION_ERROR', 'url must be an http or https address')
    const known = ['contact', 'company', 'activity'].flatMap((one) =>
      HAPPENINGS.map((happening) => `${one}.${happening}`),
    )
    const unknown = (events ?? []).find((event) => !known.includes(event))
    if (unknown !== undefined) throw new Refusal(400, 'VALIDATION_ERROR', `There is no event ${unknown}`)
    const subscription = {
      id: String(this.#store.next('webhook-subscriptions', 1)),
      url,
      events: events ?? known,
      secret: secret ?? randomBytes(24).toString('base64url'),
      createdAt: Date.now(),
    }
    return this.#subscriptions.put(subscription.id, subscription)
  }

  #deliver(subscription: Subscription, events: Event[], attempt: number): void {
    const body = JSON.stringify(events.map((event) => ({ ...event, attemptNumber: attempt })))
    const timestamp = String(Date.now())
    const signature = createHmac('sha256', subscription.secret).update(`${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-crm-timestamp': timestamp,
      'x-crm-signature': signature,
    }
    let settled = false
    const settle = (delivered: boolean) => {
      if (settled) return
      settled = true
      if (!delivered) this.#later(subscription, events, attempt + 1)
    }
    const outgoing = request(subscription.url, { method: 'POST', headers, timeout: ANSWER_WITHIN_MS }, (response) => {
      response.resume()
      settle((response.statusCode ?? 500) < 300)
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => settle(false))
    outgoing.on('close', () => settle(false))
    outgoing.end(body)
  }

  #later(subscription: Subscription, events: Event[], attempt: number): void {
    if (this.#closed || attempt >= ATTEMPTS || this.#subscriptions.get(subscription.id) === undefined) return
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        this.#deliver(subscription, events, attempt)
      },
      this.#retryMs * 4 ** (attempt - 1),
    )
    timer.unref()
    this.#timers.add(timer)
  }
}
