import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { EVENT_STATES, listEvents } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, DEFAULT_LIMIT, MaybeText, MaybeTime, Moment, PageOf, paging, Text, Time } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const tags = ['webhooks']
const REPLAY_MAX = 10_000

const filter = {
  connection: Type.Optional(Text('Only this connection.', 'crm')),
  stream: Type.Optional(Text('Only what was sent for this stream.', 'contacts')),
  since: Type.Optional(Moment('Received at or after.')),
  until: Type.Optional(Moment('Received before.')),
}
const Event = Closed({
  id: Type.Integer(),
  connection: Type.String(),
  stream: MaybeText,
  eventId: Type.String(),
  receivedAt: Time,
  state: Type.Enum([...EVENT_STATES]),
  reason: MaybeText,
  attempts: Type.Integer(),
  bytes: Type.Integer(),
})

/** Webhook events that were received, and replaying them. */
export function eventRoutes(app: App, { hub, database, startedAt }: RouteContext): void {
  app.get(
    `${API}/events`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listEvents',
        summary: 'Webhook events, newest first',
        tags,
        querystring: Closed({ ...paging, ...filter, state: Type.Optional(Type.Enum([...EVENT_STATES])) }),
        response: { 200: PageOf(Event) },
      },
    },
    ({ query }) => listEvents(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/webhook-intake`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showWebhookIntake',
        summary: 'Webhooks by connection since this process began, also those that were refused, with the cause',
        description:
          'Refused deliveries are stored nowhere, for anybody can send them. Names of no connection count together.',
        tags,
        response: {
          200: Closed({
            since: Time,
            items: Type.Array(
              Closed({
                connection: MaybeText,
                stored: Type.Integer(),
                duplicates: Type.Integer(),
                handshakes: Type.Integer(),
                refused: Type.Array(
                  Closed({
                    code: Type.String(),
                    what: Type.String({ description: 'Of the last one.' }),
                    fix: Type.String(),
                    count: Type.Integer(),
                    lastAt: Time,
                  }),
                ),
                lastAt: MaybeTime,
              }),
            ),
          }),
        },
      },
    },
    async () => ({ since: startedAt, items: hub.webhookIntake() }),
  )

  app.post(
    `${API}/events/replay`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'replayEvents',
        summary: 'Reads settled events again and lets their records go through the syncs, or one of them',
        tags,
        body: Closed({
          ids: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { maxItems: REPLAY_MAX })),
          ...filter,
          state: Type.Optional(Type.Enum(['done', 'skipped', 'dead'])),
          sync: Type.Optional(Text('Only through this sync; without it through all that follow the stream.')),
          reason: Type.Optional(Text('Why, for the audit trail.')),
        }),
        response: {
          200: Closed({
            replayed: Type.Integer(),
            notKept: Type.Integer({
              description: 'Events whose bytes are not kept any more; they are not read again.',
            }),
          }),
        },
      },
    },
    async ({ body, caller }) => {
      const { reason, sync, ...choice } = body
      if (Object.keys(choice).length === 0)
        throw new CausewayError('CSW-8002', {
          what: 'Say which events: `ids`, or a connection, stream, state or time.',
        })
      return hub.replayEvents({ ...choice, limit: REPLAY_MAX }, sync ?? null, actorOf(caller, reason ? { reason } : {}))
    },
  )
}
