import { Type } from 'typebox'
import { listSubscriptions } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, IdParams, ListOf, MaybeText, MaybeTime, ReasonBody, Stored, Text } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const tags = ['webhooks']
const Subscription = Closed({
  id: Type.Integer(),
  connection: Type.String(),
  stream: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Null where one serves all streams.' }),
  url: Type.String({ description: 'Where its events are sent.' }),
  events: Type.Array(Type.String()),
  state: Type.Enum(['ordering', 'active', 'leaving']),
  remoteId: MaybeText,
  expiresAt: MaybeTime,
  renewAt: MaybeTime,
  seenAt: MaybeTime,
  failures: Type.Integer(),
  nextAt: MaybeTime,
  error: Stored('Why the last attempt failed, as JSON; null when it did not.'),
})

/** Webhooks that the hub ordered at other systems. */
export function subscriptionRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/subscriptions`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listSubscriptions',
        summary: 'Webhooks that the hub ordered, or is about to order or to remove',
        tags,
        querystring: Closed({ connection: Type.Optional(Text('Only this connection.', 'crm')) }),
        response: { 200: ListOf(Subscription) },
      },
    },
    async ({ query }) => ({ items: await listSubscriptions(database, query.connection) }),
  )

  app.post(
    `${API}/subscriptions/:id/again`,
    {
      config: { access: 'syncs:operate' },
      schema: {
        operationId: 'orderSubscriptionAgain',
        summary: 'Tries it now, also an order whose outcome is unknown: make sure first that nothing is ordered there',
        tags,
        params: IdParams,
        body: ReasonBody,
        response: { 200: Subscription },
      },
    },
    async ({ params, body, caller }) => {
      const find = async () => (await listSubscriptions(database)).find(({ id }) => id === Number(params.id))
      if (!(await find())) throw notFound(`There is no webhook subscription ${params.id}.`)
      await hub.orderWebhookAgain(Number(params.id), actorOf(caller, body))
      const found = await find()
      if (!found) throw notFound(`There is no webhook subscription ${params.id} any more.`)
      return found
    },
  )
}
