import { Type } from 'typebox'
import {
  countSelection,
  EVENT_STATES,
  isSync,
  listEvents,
  settledEvents,
  showBulkAction,
} from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import {
  Closed,
  Counts,
  DEFAULT_LIMIT,
  MaybeText,
  MaybeTime,
  Moment,
  PageOf,
  paging,
  Text,
  Time,
} from '../schemas/basics.ts'
import { BulkAction, confirmedToken, token } from '../schemas/bulk.ts'
import { unknownSync } from '../unknown.ts'
import { actorOf } from './actor.ts'

const tags = ['webhooks']
/** Named one by one; more are read again by a filter. */
const REPLAY_MAX = 500

const filter = {
  connection: Type.Optional(Text('Only this connection.', 'crm')),
  stream: Type.Optional(Text('Only what was sent for this stream.', 'contacts')),
  since: Type.Optional(Moment('Received at or after.')),
  until: Type.Optional(Moment('Received before.')),
}
const Filter = Closed({ ...filter, state: Type.Optional(Type.Enum(['done', 'skipped', 'dead'])) })
const onlySync = Type.Optional(Text('Only through this sync; without it through all that follow the stream.'))
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
  const mustExist = async (sync: string | null | undefined): Promise<void> => {
    if (sync && !(await isSync(database, sync))) throw unknownSync(hub, sync)
  }

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
      config: { access: 'letters:operate', mayAnswer: [404] },
      schema: {
        operationId: 'replayEvents',
        summary:
          'Reads settled events again by their numbers, and lets their records go through the syncs, or one of them',
        tags,
        body: Closed({
          ids: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: REPLAY_MAX, examples: [[17, 18]] }),
          sync: onlySync,
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
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
      await mustExist(body.sync)
      return hub.replayEvents({ ids: body.ids, limit: REPLAY_MAX }, body.sync ?? null, actorOf(caller, body))
    },
  )

  app.post(
    `${API}/events/preview`,
    {
      config: { access: 'letters:operate', repeat: 'anew' },
      schema: {
        operationId: 'previewEvents',
        summary: 'Counts the settled events that would be read again, and changes nothing',
        tags,
        body: Closed({ filter: Filter }),
        response: { 200: Closed({ count: Type.Integer(), byState: Counts('How many in each state.'), token }) },
      },
    },
    async ({ body }) => {
      const { byCode: byState, ...counted } = await countSelection(database, settledEvents(body.filter))
      return { ...counted, byState }
    },
  )

  app.post(
    `${API}/events/replay-all`,
    {
      config: { access: 'letters:operate', mayAnswer: [404] },
      schema: {
        operationId: 'replayAllEvents',
        summary: 'Reads again what a preview counted, as a bulk action; refused when that has changed',
        tags,
        body: Closed({
          filter: Filter,
          token: confirmedToken,
          sync: onlySync,
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
        }),
        response: { 202: BulkAction },
      },
    },
    async ({ body, caller, claim }, reply) => {
      const { filter: wanted, token: counted, sync = null } = body
      await mustExist(sync)
      const selection = settledEvents(wanted)
      const asked = {
        kind: 'events.replay',
        filter: wanted,
        selection,
        token: counted,
        id: claim?.id ?? null,
        sync,
      } as const
      const id = await hub.bulk.begin(asked, actorOf(caller, body))
      reply.code(202)
      return (await showBulkAction(database, id))!
    },
  )
}
