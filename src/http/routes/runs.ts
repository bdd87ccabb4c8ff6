import { Type } from 'typebox'
import { listRuns, showRun } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, IdParams, Moment, PageOf, paging, Text } from '../schemas/basics.ts'
import { Outcome, Run, RunKind } from '../schemas/ledger.ts'

const tags = ['runs']

export function runRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/runs`,
    {
      schema: {
        operationId: 'listRuns',
        summary: 'Runs, newest first',
        tags,
        querystring: Closed({
          ...paging,
          kind: Type.Optional(RunKind),
          sync: Type.Optional(Text('Only pushes of this sync.')),
          stream: Type.Optional(Text('Only runs of this stream, `connection:stream`.', 'crm:contacts')),
          connection: Type.Optional(Text('Only runs that touch this connection.')),
          outcome: Type.Optional(Outcome),
          requestId: Type.Optional(Text('Only runs that this request started.')),
          trigger: Type.Optional(Text('Only runs started by this.', 'schedule')),
          since: Type.Optional(Moment('Started at or after.')),
          until: Type.Optional(Moment('Started before.')),
        }),
        response: { 200: PageOf(Run) },
      },
    },
    ({ query }) => listRuns(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/runs/:id`,
    {
      schema: { operationId: 'showRun', summary: 'One run', tags, params: IdParams, response: { 200: Run } },
    },
    async ({ params }) => {
      const found = await showRun(database, params.id)
      if (!found) throw notFound(`There is no run ${params.id}.`)
      return found
    },
  )
}
