/** Webhooks that the hub orders itself: created with our address, renewed before they end, removed when nobody needs them. */
import { randomBytes } from 'node:crypto'
import { CausewayError, type Json, type JsonObject } from '../../core/index.ts'
import {
  asText,
  choice,
  type Expression,
  expression,
  type Fields,
  flag,
  integer,
  list,
  map,
  part,
  section,
  text,
} from '../language/index.ts'
import { ANSWER_NAMES, answerScope, type Caller } from './answer.ts'
import { millisecondsOf, sortableTimestamp } from './timestamps.ts'
import type { RequestFields } from './write-fields.ts'

const CREATE_NAMES = ['url', 'secret', 'stream', 'events', 'expires', 'settings'] as const
const KNOWN_NAMES = [...CREATE_NAMES, 'subscription'] as const

const answerFields = {
  expires: expression({
    sense:
      'When it ends: timestamp, or seconds or milliseconds since 1970. Without a value, as `lifetime_seconds` says.',
    names: ANSWER_NAMES,
    example: 'response.expirationDateTime',
  }),
}

const EXAMPLE = `
subscriptions:
  per: stream
  events: { contacts: [contact.created, contact.updated] }
  lifetime_seconds: 259200
  create:
    path: /subscriptions
    body: { url: "\${ url }", secret: "\${ secret }", events: "\${ events }", expires: "\${ expires }" }
    id: response.id
    expires: response.expires
  renew: { path: "/subscriptions/\${ subscription.id }", body: { expires: "\${ expires }" }, expires: response.expires }
  delete: { path: "/subscriptions/\${ subscription.id }" }
`

/** The `subscriptions` of a connector. */
export const subscriptionsPart = <R extends Fields>(request: RequestFields<R>) =>
  part({
    title: 'Webhook subscriptions',
    sense:
      'How the hub orders webhooks by itself. `url` is our address for them, `secret` one we made up; `subscription` has `id` and `secret` of the one that is meant.',
    fields: {
      per: choice(['connection', 'stream'], {
        sense:
          'Whether one subscription serves all streams, or each has one of its own (then its address names the stream).',
        default: 'stream',
      }),
      events: map(list(text({ sense: 'An event.' }), { sense: 'Its events.' }), {
        sense: 'Names of events by stream, in words of the system. Streams that are not named here have no webhooks.',
        required: true,
        keys: '^[a-z][a-z0-9_]*$',
        example: { contacts: ['contact.created', 'contact.updated'] },
      }),
      create: section(
        part({
          title: 'Create a subscription',
          sense: 'The request that orders webhooks. The system may check our address meanwhile (`webhooks.handshake`).',
          fields: {
            ...request(CREATE_NAMES, 'POST'),
            id: expression({ sense: 'Its id.', names: ANSWER_NAMES, required: true, example: 'response.id' }),
            secret: expression({
              sense: 'The secret, where the system makes it up. Otherwise ours counts.',
              names: ANSWER_NAMES,
              example: 'response.signing_secret',
            }),
            ...answerFields,
          },
        }),
        { sense: 'The request that orders webhooks.', required: true },
      ),
      renew: section(
        part({
          title: 'Renew a subscription',
          sense: 'The request that lets it live on. Without it, a new one is created before the old one is removed.',
          fields: { ...request(KNOWN_NAMES, 'PATCH'), ...answerFields },
        }),
        { sense: 'The request that lets it live on.' },
      ),
      delete: section(
        part({
          title: 'Remove a subscription',
          sense: 'The request that ends it.',
          fields: request(['subscription', 'settings'], 'DELETE'),
        }),
        { sense: 'The request that ends it.' },
      ),
      lifetime_seconds: integer({
        sense:
          'How long one is asked for and, where the answer does not say, how long it lasts: `expires` in requests. Without it, for ever.',
        minimum: 60,
        example: 86_400,
      }),
      gone_is_fine: flag({ sense: 'One that no longer exists counts as removed.', default: true }),
    },
    ...('path' in request([]) ? { example: EXAMPLE } : {}),
  })

type Expires = { expires: Expression | undefined }
export type SubscriptionsSpec<R> = {
  per: 'connection' | 'stream'
  events: Record<string, string[]>
  create: R & Expires & { id: Expression; secret: Expression | undefined }
  renew: (R & Expires) | undefined
  delete: R | undefined
  lifetime_seconds: number | undefined
  gone_is_fine: boolean
}

/** One subscription, as it is kept. `secret` is a secret. */
type Subscription = { id: string; stream: string | null; url: string; secret: string; expiresAt: Date | null }

/** Orders and keeps webhooks. */
export type Subscriber = {
  /** The subscriptions that serve these streams: which, each with the stream its address must name. */
  plan(streams: readonly string[]): { stream: string | null; streams: string[] }[]
  create(wish: {
    stream: string | null
    streams: readonly string[]
    url: string
    signal: AbortSignal
  }): Promise<Subscription>
  /** Lets it live on. Creates another one, and removes the old one, where the system knows no renewal. */
  renew(subscription: Subscription, streams: readonly string[], signal: AbortSignal): Promise<Subscription>
  remove(subscription: Subscription, signal: AbortSignal): Promise<void>
}

/** What orders webhooks as a manifest says; null where it says nothing of them. */
export function subscriberOf<R>(
  spec: SubscriptionsSpec<R> | undefined,
  { caller, settings }: { caller: Caller<R>; settings: JsonObject },
): Subscriber | null {
  if (!spec) return null
  const eventsOf = (streams: readonly string[]): string[] => [
    ...new Set(streams.flatMap((name) => spec.events[name] ?? [])),
  ]
  const wanted = (): Date | null =>
    spec.lifetime_seconds === undefined ? null : new Date(Date.now() + spec.lifetime_seconds * 1000)
  const call = async (request: R, scope: Record<string, unknown>, signal: AbortSignal, idempotent = true) => {
    const answer = await caller.call(request, scope, { signal, purpose: 'write', notFound: 'record', idempotent })
    if (answer.failure) throw answer.failure
    return answer
  }
  const scopeOf = (
    wish: Pick<Subscription, 'stream' | 'url' | 'secret'>,
    streams: readonly string[],
    end: Date | null,
  ) => ({
    url: wish.url,
    secret: wish.secret,
    stream: wish.stream ?? undefined,
    events: eventsOf(streams),
    expires: end?.toISOString(),
    settings,
  })
  const create: Subscriber['create'] = async ({ stream, streams, url, signal }) => {
    const end = wanted()
    const secret = randomBytes(32).toString('hex')
    // Ordered twice, we would get every event twice.
    const answer = await call(spec.create, scopeOf({ stream, url, secret }, streams, end), signal, false)
    const seen = answerScope(answer, settings)
    const id = spec.create.id.evaluate(seen)
    if (id === undefined || id === null || id === '') throw withoutId(spec.create.id)
    const given = spec.create.secret?.evaluate(seen)
    return {
      id: asText(id),
      stream,
      url,
      secret: given === undefined || given === null || given === '' ? secret : asText(given),
      expiresAt: momentOf(spec.create.expires?.evaluate(seen) as Json) ?? end,
    }
  }
  const remove: Subscriber['remove'] = async (subscription, signal) => {
    if (!spec.delete) return
    try {
      await call(spec.delete, { subscription: namesOf(subscription), settings }, signal)
    } catch (error) {
      const gone = error instanceof CausewayError && error.code === 'CSW-3009'
      if (!gone || !spec.gone_is_fine) throw error
    }
  }
  return {
    create,
    remove,
    plan(streams) {
      const served = streams.filter((name) => Object.hasOwn(spec.events, name))
      if (served.length === 0) return []
      return spec.per === 'connection'
        ? [{ stream: null, streams: served }]
        : served.map((name) => ({ stream: name, streams: [name] }))
    },
    async renew(subscription, streams, signal) {
      if (!spec.renew) {
        const next = await create({ stream: subscription.stream, streams, url: subscription.url, signal })
        await remove(subscription, signal)
        return next
      }
      const end = wanted()
      const scope = { ...scopeOf(subscription, streams, end), subscription: namesOf(subscription) }
      const answer = await call(spec.renew, scope, signal)
      const given = spec.renew.expires?.evaluate(answerScope(answer, settings))
      return { ...subscription, expiresAt: momentOf(given as Json) ?? end }
    },
  }
}

const namesOf = ({ id, secret }: Subscription) => ({ id, secret })

function momentOf(value: Json | undefined): Date | null {
  const sortable = value === undefined || value === null ? null : sortableTimestamp(value)
  return sortable === null ? null : new Date(millisecondsOf(sortable))
}

const withoutId = (id: Expression): CausewayError =>
  new CausewayError('CSW-3012', {
    what: `A webhook was ordered, but ${id.source} is not in the answer.`,
    fix: 'Remove the subscription in that system, and correct `subscriptions.create.id` in the manifest.',
    place: id.place,
  })
