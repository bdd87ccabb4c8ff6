/** Webhooks that the hub orders itself: created with our address, found again, renewed before they end, removed when nobody needs them. */
import { randomBytes } from 'node:crypto'
import { CausewayError, type Clock, type Json, type JsonObject } from '../../core/index.ts'
import type { Subscriber, Subscription, SubscriptionOrder } from '../contract.ts'
import { asText, type Expression } from '../language/index.ts'
import { answerScope, type Caller } from './answer.ts'
import { listOf } from './read-checks.ts'
import type { SubscriptionsSpec } from './subscription-fields.ts'
import { millisecondsOf, sortableTimestamp } from './timestamps.ts'

/** Lists of subscriptions are short; a list that never ends is a fault of the manifest. */
const MOST_PAGES = 100

/** What orders webhooks as a manifest says; null where it says nothing of them. */
export function subscriberOf<R>(
  spec: SubscriptionsSpec<R> | undefined,
  { caller, settings, clock }: { caller: Caller<R>; settings: JsonObject; clock: Clock },
): Subscriber | null {
  if (!spec) return null
  const eventsOf = (streams: readonly string[]): string[] => [
    ...new Set(streams.flatMap((name) => spec.events[name] ?? [])),
  ]
  const lifetimeMs = spec.lifetime_seconds === undefined ? null : spec.lifetime_seconds * 1000
  const wanted = (): Date | null => (lifetimeMs === null ? null : new Date(clock.now().getTime() + lifetimeMs))
  const call = async (
    request: R,
    scope: Record<string, unknown>,
    options: { signal: AbortSignal; idempotent?: boolean; maySend?: () => boolean; purpose?: 'read' },
  ) => {
    const answer = await caller.call(request, scope, {
      purpose: 'write',
      notFound: 'record',
      idempotent: true,
      ...options,
    })
    if (answer.failure) throw answer.failure
    return answer
  }
  const scopeOf = (order: Omit<SubscriptionOrder, 'streams'>, streams: readonly string[], end: Date | null) => ({
    url: order.url,
    secret: order.secret,
    stream: order.stream ?? undefined,
    events: eventsOf(streams),
    expires: end?.toISOString(),
    settings,
  })
  const markOf = async (begin: (R & { mark: Expression }) | undefined, signal: AbortSignal): Promise<unknown> => {
    if (!begin) return undefined
    const answer = await call(begin, { settings }, { signal, purpose: 'read' })
    return begin.mark.evaluate(answerScope(answer, settings))
  }
  return {
    ownSecret: spec.create.secret === undefined,
    finds: spec.find !== undefined,
    renews: spec.renew !== undefined,
    lifetimeMs,
    newSecret: () => randomBytes(32).toString('hex'),
    plan(streams) {
      const served = streams.filter((name) => Object.hasOwn(spec.events, name)).sort()
      if (served.length === 0) return []
      if (spec.per === 'connection') return [{ stream: null, streams: served, events: eventsOf(served) }]
      const groups = Map.groupBy(served, (name) => (spec.per === 'events' ? eventsOf([name]).join('\n') : name))
      return [...groups.values()].map((streams) => ({ stream: streams[0]!, streams, events: eventsOf(streams) }))
    },
    async create(order, options) {
      const end = wanted()
      const scope = { ...scopeOf(order, order.streams, end), mark: await markOf(spec.create.begin, options.signal) }
      // Ordered twice, we would get every event twice.
      const answer = await call(spec.create, scope, { ...options, idempotent: false })
      const seen = answerScope(answer, settings)
      const id = spec.create.id.evaluate(seen)
      if (isNothing(id)) throw withoutId(spec.create.id)
      const given = spec.create.secret?.evaluate(seen)
      return {
        id: asText(id),
        stream: order.stream,
        url: order.url,
        secret: isNothing(given) ? order.secret : asText(given),
        expiresAt: momentOf(spec.create.expires?.evaluate(seen) as Json) ?? end,
      }
    },
    async find(signal) {
      const { find } = spec
      if (!find) return []
      const found: Awaited<ReturnType<Subscriber['find']>> = []
      let cursor: unknown
      for (let page = 0; page < MOST_PAGES; page++) {
        const answer = await call(find, { settings, cursor }, { signal, purpose: 'read' })
        const seen = answerScope(answer, settings)
        for (const item of listOf(find.items.evaluate(seen))) {
          const scope = { ...seen, item }
          const [id, url] = [find.id.evaluate(scope), find.url.evaluate(scope)]
          if (isNothing(id) || typeof url !== 'string') continue
          found.push({ id: asText(id), url, expiresAt: momentOf(find.expires?.evaluate(scope) as Json) })
        }
        const next = find.next?.evaluate(seen)
        if (isNothing(next)) return found
        if (next === cursor) break
        cursor = next
      }
      throw new CausewayError('CSW-2004', {
        what: 'The list of webhook subscriptions does not end.',
        fix: 'Correct `subscriptions.find.next` in the manifest.',
        place: find.next?.place ?? find.items.place,
      })
    },
    async renew(subscription, streams, signal) {
      const end = wanted()
      const scope = { ...scopeOf(subscription, streams, end), subscription: namesOf(subscription) }
      const answer = await call(spec.renew!, scope, { signal })
      return momentOf(spec.renew!.expires?.evaluate(answerScope(answer, settings)) as Json) ?? end
    },
    async remove(subscription, signal) {
      if (!spec.delete) return
      try {
        await call(spec.delete, { subscription: namesOf(subscription), settings }, { signal })
      } catch (error) {
        const gone = error instanceof CausewayError && error.code === 'CSW-3009'
        if (!gone || !spec.gone_is_fine) throw error
      }
    },
  }
}

const isNothing = (value: unknown): value is undefined | null | '' =>
  value === undefined || value === null || value === ''

const namesOf = ({ id, secret }: Pick<Subscription, 'id' | 'secret'>) => ({ id, secret })

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
