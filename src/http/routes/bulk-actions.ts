import { Type } from 'typebox'
import { BULK_KINDS, BULK_STATES, listBulkActions, showBulkAction } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, IdParams, PageOf, paging, ReasonBody } from '../schemas/basics.ts'
import { BulkAction } from '../schemas/bulk.ts'
import { actorOf } from './actor.ts'

const tags = ['bulk actions']

/** How far bulk actions are, and stopping them; they begin where the things are that they act on. */
export function bulkActionRoutes(app: App, { hub, database }: RouteContext): void {
  const shown = async (id: string) => {
    const action = await showBulkAction(database, Number(id))
    if (!action) throw notFound(`There is no bulk action ${id}.`)
    return action
  }

  app.get(
    `${API}/bulk-actions`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listBulkActions',
        summary: 'What was asked to be done to many things at once, newest first',
        tags,
        querystring: Closed({
          ...paging,
          kind: Type.Optional(Type.Enum([...BULK_KINDS])),
          state: Type.Optional(Type.Enum([...BULK_STATES], { examples: ['running'] })),
        }),
        response: { 200: PageOf(BulkAction) },
      },
    },
    ({ query }) => listBulkActions(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/bulk-actions/:id`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'showBulkAction',
        summary: 'How far a bulk action is',
        description: 'The feed tells `bulk.progress` and `bulk.ended` with the counts.',
        tags,
        params: IdParams,
        response: { 200: BulkAction },
      },
    },
    ({ params }) => shown(params.id),
  )

  app.post(
    `${API}/bulk-actions/:id/abort`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'abortBulkAction',
        summary: 'Stops a bulk action; what it has done stays done',
        tags,
        params: IdParams,
        body: ReasonBody,
        response: { 200: BulkAction },
      },
    },
    async ({ params, body, caller }) => {
      await shown(params.id)
      await hub.bulk.abort(Number(params.id), actorOf(caller, body))
      return shown(params.id)
    },
  )
}
