/** Events that systems send by themselves: checked, then read into records or ids to fetch. */
import { asCausewayError, type CausewayError, digest, type Json, type JsonObject, newId } from '../../core/index.ts'
import type { ConnectorSession, EventChange, WebhookVerdict } from '../contract.ts'
import {
  asText,
  choice,
  data,
  expression,
  flag,
  integer,
  part,
  section,
  template,
  text,
  type ValueOf,
} from '../language/index.ts'
import { isRejected, usableId } from '../manifest/record.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import { isTrue } from './errors.ts'
import { listOf } from './read-checks.ts'
import { notUnderstood, parsed, parsedOrNothing } from './webhook-body.ts'
import { keptHeaders, signatureField, verifySignature } from './webhook-signature.ts'

const EVENT = ['event', 'headers', 'settings'] as const
const ITEM = ['item', ...EVENT] as const

const handshakePart = part({
  title: 'Handshake',
  sense: 'A request by which the system checks our address before it sends events.',
  fields: {
    when: expression({
      sense: 'True for such a request.',
      names: [...EVENT, 'query'],
      required: true,
      example: '$exists(event.challenge)',
    }),
    signed: flag({ sense: 'It carries a valid signature, like events do.', default: true }),
    status: integer({ sense: 'Status of our answer.', default: 200, minimum: 200, maximum: 299 }),
    headers: data({
      sense: 'Headers of our answer; the content type is text/plain without them.',
      names: [...EVENT, 'query'],
    }),
    body: template({ sense: 'Body of our answer.', names: [...EVENT, 'query'], default: '' }),
  },
  example: `handshake: { when: "$exists(query.validationToken)", signed: false, body: "\${ query.validationToken }" }`,
})

const answerPart = part({
  title: 'Answer to events',
  sense: 'For systems that want to hear something special before they count an event as delivered.',
  fields: {
    status: integer({ sense: 'The status.', default: 200, minimum: 200, maximum: 299 }),
    content_type: text({ sense: 'Media type of the body.', default: 'text/plain; charset=utf-8' }),
    body: template({ sense: 'The body.', names: EVENT }),
  },
  example: 'answer: { status: 200, content_type: text/xml, body: "<Ack>true</Ack>" }',
})

/** Marks, among the stored headers, an event that was one of several in a delivery. */
const ITEM_MARK = 'causeway-item'

export const webhooksPart = part({
  title: 'Webhooks',
  sense: 'Events the system sends to the address of the connection. Fields named `event` see the parsed body.',
  fields: {
    signature: signatureField,
    handshake: section(handshakePart, { sense: 'How the system checks our address.' }),
    body_as: choice(['json', 'form'], {
      sense:
        'How the body is written. `form` is read by its brackets (`contact[email]=…` is `event.contact.email`); its values are texts.',
      default: 'json',
    }),
    event_id: expression({
      sense:
        'Id of the delivery; the same id is taken once. Without it, full records are told apart by their bytes, thin events not at all.',
      names: EVENT,
      example: 'headers.`webhook-id`',
    }),
    events: expression({
      sense: 'The single events in the body.',
      names: EVENT,
      default: 'event',
      example: 'event.items',
    }),
    item_id: expression({
      sense:
        'Id of a single event, where a delivery holds several: each is then stored, taken once and tried again by itself. Expressions over an item see `item` and `headers` only.',
      names: ITEM,
      example: 'item.eventId',
    }),
    answer: section(answerPart, { sense: 'What we answer to events; without it 202 without a body.' }),
    stream: expression({
      sense:
        'The stream an event is about, when the address does not say it; a list where `pull` is about several. Events about other streams are passed over.',
      names: ITEM,
      example: '$lookup({"contact.changed": "contacts"}, item.type)',
    }),
    record: expression({ sense: 'The whole record, where the event holds it.', names: ITEM, example: 'item.object' }),
    id: expression({ sense: 'The id alone: the record is fetched.', names: ITEM, example: 'item.object_id' }),
    deleted: expression({
      sense: 'True when the record is gone; needs `id`.',
      names: ITEM,
      example: 'item.type = "contact.deleted"',
    }),
    pull: expression({
      sense:
        'True where the event says only that something changed: its streams are pulled. Many such events make one pull, and a second one two seconds later for those that came meanwhile.',
      names: ITEM,
      example: '$not($exists(item.object_id))',
    }),
  },
  check: ({ record, id, deleted, pull }) => [
    ...(record || id || pull
      ? []
      : [
          {
            message: 'nothing says which record an event is about',
            fix: 'Add `record` or `id`, or `pull` where events do not tell.',
          },
        ]),
    ...(deleted && !id ? [{ field: 'deleted', message: 'a deletion needs the id', fix: 'Add `id`.' }] : []),
  ],
  example: `
webhooks:
  signature:
    kind: hmac
    secrets: ["\${ settings.webhook_secret }"]
    header: X-Signature
  event_id: event.id
  stream: 'item.type = "calendar" ? ["contacts"] : "contacts"'
  record: item.contact
  pull: item.type = "calendar"
`,
})
export type WebhooksSpec = ValueOf<typeof webhooksPart>

type VerifyRequest = Parameters<ConnectorSession['verifyWebhook']>[0]
type ReadEventRequest = Parameters<ConnectorSession['readEvent']>[0]

/** The webhook side of an open connection. */
export class WebhookReader {
  private readonly spec: WebhooksSpec
  private readonly streams: ReadonlyMap<string, StreamSpec<unknown>>
  private readonly settings: JsonObject

  constructor(spec: WebhooksSpec, streams: ReadonlyMap<string, StreamSpec<unknown>>, settings: JsonObject) {
    this.spec = spec
    this.streams = streams
    this.settings = settings
  }

  /** Judges a delivery. The body is looked into before the signature only where the signature's place or a handshake asks for it. */
  verify({
    headers,
    body,
    stream,
    at,
    query = {},
    method = 'POST',
    url = '',
    subscriptions,
  }: VerifyRequest): WebhookVerdict {
    const { signature, handshake, event_id, body_as } = this.spec
    const scope = {
      headers,
      query,
      method,
      url,
      subscriptions,
      settings: this.settings,
      event: parsedOrNothing(body, body_as),
    }
    const refused = refusalOf(signature, { body, at, scope })
    if (handshake && (!refused || !handshake.signed) && isTrue(orNothing(() => handshake.when.evaluate(scope)))) {
      const given = (handshake.headers?.evaluate(scope) ?? {}) as JsonObject
      return {
        accept: false,
        handshake: {
          status: handshake.status,
          // Text, and never sniffed: what a stranger sent is echoed here.
          headers: {
            'content-type': 'text/plain; charset=utf-8',
            'x-content-type-options': 'nosniff',
            ...texts(given),
          },
          body: asText(handshake.body.evaluate(scope) ?? ''),
        },
      }
    }
    if (refused) return { accept: false, error: refused }
    const id = orNothing(() => event_id?.evaluate(scope))
    const answer = this.answer(scope)
    const kept = keptHeaders(signature, { body, at, scope })
    const items = this.spec.item_id && orNothing(() => this.split({ ...scope, headers: kept }, stream))
    if (items) return { accept: true, events: items, ...answer }
    return {
      ...answer,
      accept: true,
      events: [
        {
          eventId: id === undefined || id === null || id === '' ? this.ownId(body) : asText(id),
          stream,
          ...(Object.keys(kept).length < Object.keys(headers).length ? { headers: kept } : {}),
        },
      ],
    }
  }

  /** One event per item, so that each is taken once and fails alone. */
  private split(scope: Record<string, unknown>, stream: string | null) {
    return listOf(this.spec.events.evaluate(scope)).map((item) => {
      const id = this.spec.item_id!.evaluate({ ...scope, item })
      const body = Buffer.from(JSON.stringify(item))
      const eventId = id === undefined || id === null || id === '' ? this.ownId(body) : asText(id)
      return { eventId, stream, body, headers: { ...(scope.headers as Record<string, string>), [ITEM_MARK]: '1' } }
    })
  }

  /** What the system wants to hear; most take any 2xx. */
  private answer(scope: Record<string, unknown>) {
    const { answer } = this.spec
    if (!answer) return {}
    const body = answer.body?.evaluate(scope)
    return {
      answer: {
        status: answer.status,
        headers: { 'content-type': answer.content_type },
        body: body === undefined || body === null ? '' : asText(body),
      },
    }
  }

  /** Two thin events may be equal to the byte and mean two changes; two equal full records mean one. */
  private ownId(body: Buffer): string {
    return this.spec.id || this.spec.pull ? newId() : digest(body)
  }

  /** Records that an event holds, and ids of those to fetch, by stream. */
  read({
    headers,
    body,
    stream: addressed,
  }: Omit<ReadEventRequest, 'signal'>): Awaited<ReturnType<ConnectorSession['readEvent']>> {
    // What was split before it was stored holds one item, as JSON.
    const single = this.spec.item_id !== undefined && headers[ITEM_MARK] === '1'
    const event = parsed(body, single ? 'json' : this.spec.body_as)
    const scope = { event, headers, settings: this.settings }
    const found = new Map<string, EventChange>()
    for (const item of single ? [event] : listOf(this.spec.events.evaluate(scope))) {
      const whole = { ...scope, item }
      for (const stream of this.streamsOf(whole, addressed)) {
        const entry = found.get(stream.name) ?? { stream: stream.name, records: [], fetch: [] }
        found.set(stream.name, entry)
        this.take(stream, whole, entry)
      }
    }
    return [...found.values()]
  }

  private streamsOf(scope: Record<string, unknown>, addressed: string | null): StreamSpec<unknown>[] {
    const names = this.spec.stream ? listOf(this.spec.stream.evaluate(scope)) : [addressed]
    return names.flatMap((name) => (typeof name === 'string' ? (this.streams.get(name) ?? []) : []))
  }

  private take(stream: StreamSpec<unknown>, scope: Record<string, unknown>, into: EventChange): void {
    if (this.spec.pull && isTrue(this.spec.pull.evaluate(scope))) {
      into.pull = true
      return
    }
    const id = usableId(this.spec.id?.evaluate(scope))
    if (this.spec.deleted && isTrue(this.spec.deleted.evaluate(scope))) {
      if (id === null) throw notUnderstood('it reports a deletion without an id')
      into.records.push({ id, version: null, body: {}, deleted: true })
      return
    }
    const record = this.spec.record?.evaluate(scope)
    if (record !== undefined && record !== null) {
      const made = stream.toRecord(record as Json)
      if (isRejected(made)) throw made.error
      into.records.push(made)
    } else if (id !== null) into.fetch.push(id)
    else throw notUnderstood('it names no record')
  }
}

/** A recipe that fails on what came proves nothing. */
function refusalOf(...given: Parameters<typeof verifySignature>): CausewayError | null {
  try {
    return verifySignature(...given)
  } catch (error) {
    return asCausewayError(error)
  }
}

/**
 * What came is signed, so it is kept, whatever an expression makes of it: what cannot be read becomes a dead letter that a
 * person can look at. An error here would make the sender come back with the same bytes for ever.
 */
function orNothing<T>(evaluate: () => T): T | undefined {
  try {
    return evaluate()
  } catch {
    return undefined
  }
}

const texts = (value: JsonObject): Record<string, string> =>
  Object.fromEntries(Object.entries(value).map(([name, item]) => [name.toLowerCase(), asText(item ?? '')]))
