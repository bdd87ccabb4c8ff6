import { Type } from 'typebox'
import { listAnalyticsTables } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, MaybeInteger, ReasonBody, Stored, Text, Time } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const tags = ['analytics']

const Table = Closed({
  target: Type.String({ description: 'Entry of `analytics:` in causeway.yaml that asked for it last.' }),
  schema: Type.String(),
  name: Type.String(),
  stream: Type.String(),
  history: Type.Boolean(),
  rows: Type.Union([MaybeInteger], { description: 'As Postgres estimates; null before it first looked.' }),
  behind: Type.Integer({ description: 'Numbers of the change log that are not taken over yet.' }),
  changedAt: Time,
  lastError: Stored('Why it stays behind, as JSON: code, what, why, fix; null while it does not.'),
})

/** Tables for people who ask in SQL. */
export function analyticsRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/analytics`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listAnalyticsTables',
        summary: 'Tables that follow streams, and how far behind each is',
        tags,
        response: { 200: Closed({ items: Type.Array(Table) }) },
      },
    },
    async () => ({ items: await listAnalyticsTables(database) }),
  )

  app.post(
    `${API}/analytics/:target/files`,
    {
      config: { access: 'syncs:operate' },
      schema: {
        operationId: 'writeAnalyticsFiles',
        summary: 'Lets a worker write the files of a target now instead of when their time has come',
        tags,
        params: Closed({ target: Text('Name of the entry in `analytics:`.', 'bi') }),
        body: ReasonBody,
        response: { 200: Closed({ folder: Type.String({ description: 'Where a worker writes them.' }) }) },
      },
    },
    async ({ params, body, caller }) => ({
      folder: await hub.writeAnalyticsFiles(params.target, actorOf(caller, body)),
    }),
  )
}
