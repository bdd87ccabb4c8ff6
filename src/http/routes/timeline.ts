import { Type } from 'typebox'
import { listTimeline } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, DEFAULT_LIMIT, MaybeText, Moment, PageOf, paging, Time } from '../schemas/basics.ts'

const Entry = Closed({
  at: Time,
  kind: Type.Enum(['deed', 'run'], { description: 'An entry of the audit, or a run.' }),
  id: Type.Integer({ description: 'Of that entry, or of that run.' }),
  actor: Type.String({ description: 'Who did it; of a run what triggered it.' }),
  what: Type.String(),
  subject: Type.String(),
  outcome: MaybeText,
})

/** What happened, whoever or whatever did it. */
export function timelineRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/timeline`,
    {
      config: { access: 'audit:read' },
      schema: {
        operationId: 'listTimeline',
        summary: 'What people and programs did and what ran, mixed, newest first',
        tags: ['audit'],
        querystring: Closed({
          ...paging,
          kind: Type.Optional(Type.Enum(['deed', 'run'])),
          since: Type.Optional(Moment('At or after.')),
          until: Type.Optional(Moment('Before.')),
        }),
        response: { 200: PageOf(Entry) },
      },
    },
    ({ query }) => listTimeline(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )
}
