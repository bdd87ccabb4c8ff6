/** How a manifest says in which way webhooks are ordered. */
import {
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
import { ANSWER_NAMES } from './answer.ts'
import type { RequestFields } from './request.ts'

const CREATE_NAMES = ['url', 'secret', 'stream', 'events', 'expires', 'settings'] as const
const BEGUN_NAMES = [...CREATE_NAMES, 'mark'] as const
const KNOWN_NAMES = [...CREATE_NAMES, 'subscription'] as const
const FOUND_NAMES = ['item', ...ANSWER_NAMES] as const

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
  find: { path: /subscriptions, items: response.items, id: item.id, url: item.url, expires: item.expires }
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
      per: choice(['connection', 'stream', 'events'], {
        sense:
          'Whether one subscription serves all streams, each has one of its own (then its address names the stream), or streams with the same events share one (its address names the first of them, so `webhooks.stream` has to tell).',
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
            ...request(BEGUN_NAMES, 'POST'),
            begin: section(
              part({
                title: 'Before a subscription',
                sense: 'A request whose answer holds what the order needs: `mark` there.',
                fields: {
                  ...request(['settings'], 'GET'),
                  mark: expression({
                    sense: 'What is needed of its answer.',
                    names: ANSWER_NAMES,
                    required: true,
                    example: 'response.startPageToken',
                  }),
                },
              }),
              { sense: 'Asked before, where the order has to name a place in a feed of changes.' },
            ),
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
      find: section(
        part({
          title: 'Find subscriptions',
          sense:
            'The request that lists what was ordered. With it the hub notices what was lost, and cleans up after an order whose answer never came; without it such an order waits for its end, or for a person.',
          fields: {
            ...request(['settings', 'cursor'], 'GET'),
            items: expression({
              sense: 'The subscriptions in the answer.',
              names: ANSWER_NAMES,
              required: true,
              example: 'response.data',
            }),
            id: expression({ sense: 'The id of one.', names: FOUND_NAMES, required: true, example: 'item.id' }),
            url: expression({ sense: 'Its address.', names: FOUND_NAMES, required: true, example: 'item.url' }),
            expires: expression({
              sense: 'When it ends, as in `create`.',
              names: FOUND_NAMES,
              example: 'item.expires',
            }),
            next: expression({
              sense: 'Where the list goes on: `cursor` of the next request. Without a value the list is complete.',
              names: ANSWER_NAMES,
              example: 'response.has_more ? response.data[-1].id',
            }),
          },
        }),
        { sense: 'The request that lists what was ordered.' },
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
  per: 'connection' | 'stream' | 'events'
  events: Record<string, string[]>
  create: R &
    Expires & { id: Expression; secret: Expression | undefined; begin: (R & { mark: Expression }) | undefined }
  renew: (R & Expires) | undefined
  delete: R | undefined
  find: (R & Expires & { items: Expression; id: Expression; url: Expression; next: Expression | undefined }) | undefined
  lifetime_seconds: number | undefined
  gone_is_fine: boolean
}
