import { Type } from 'typebox'
import { DRIFT_STATES, isDrift, listDrifts } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, IdParams, PageOf, paging, ReasonBody, Text } from '../schemas/basics.ts'
import { Drift } from '../schemas/ledger.ts'
import { actorOf } from './actor.ts'

const tags = ['drifts']

/** How sources changed the form of their records, and a person's answer. */
export function driftRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/drifts`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listDrifts',
        summary: 'Changes in the form of records, with the lines of mappings that they touch, newest first',
        tags,
        querystring: Closed({
          ...paging,
          stream: Type.Optional(Text('Only this stream, `connection:stream`.', 'crm:contacts')),
          state: Type.Optional(Type.Enum([...DRIFT_STATES])),
          run: Type.Optional(Type.Integer({ minimum: 1, description: 'Only what this run found.' })),
        }),
        response: { 200: PageOf(Drift) },
      },
    },
    ({ query }) => listDrifts(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.post(
    `${API}/drifts/:id/accept`,
    {
      config: { access: 'records:write' },
      schema: {
        operationId: 'acceptDrift',
        summary: 'Lets go on what a drift held or paused',
        tags,
        params: IdParams,
        body: ReasonBody,
        response: { 200: Closed({ accepted: Type.Integer() }) },
      },
    },
    async ({ params, body, caller }) => {
      if (!(await isDrift(database, Number(params.id)))) throw notFound(`There is no drift ${params.id}.`)
      await hub.acceptDrift(Number(params.id), actorOf(caller, body))
      return { accepted: Number(params.id) }
    },
  )
}
