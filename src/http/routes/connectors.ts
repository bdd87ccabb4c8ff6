import { Type } from 'typebox'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, ListOf, MaybeText, NameParams } from '../schemas/basics.ts'
import { unknownConnector } from '../unknown.ts'

const tags = ['connectors']
const summary = {
  name: Type.String(),
  title: Type.String(),
  description: MaybeText,
  version: MaybeText,
  protocol: Type.String(),
}
const Abilities = Closed({
  read: Type.Boolean(),
  incremental: Type.Boolean(),
  deletions: Type.Enum(['tombstones', 'scan', 'none']),
  create: Type.Boolean(),
  update: Type.Boolean(),
  upsert: Type.Boolean(),
  upsertBy: Type.Array(Type.String()),
  delete: Type.Boolean(),
  lookup: Type.Array(Type.String()),
  partialUpdate: Type.Boolean(),
  content: Type.Boolean(),
  webhook: Type.Boolean(),
})
const Detail = Closed({
  ...summary,
  settings: Type.Unknown({ description: 'JSON Schema of what a connection must give.' }),
  streams: Type.Array(
    Closed({
      name: Type.String(),
      title: Type.String(),
      description: Type.Optional(Type.String()),
      abilities: Abilities,
      readSchema: Type.Optional(Type.Unknown()),
      writeSchema: Type.Optional(Type.Unknown()),
    }),
  ),
})

export function connectorRoutes(app: App, { hub }: RouteContext): void {
  app.get(
    `${API}/connectors`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listConnectors',
        summary: 'The catalogue of connectors',
        tags,
        response: { 200: ListOf(Closed({ ...summary, streams: Type.Array(Type.String()) })) },
      },
    },
    async () => ({
      items: hub.connectors().map(({ settings: _settings, ...connector }) => ({
        ...connector,
        streams: connector.streams.map((stream) => stream.name),
      })),
    }),
  )

  app.get(
    `${API}/connectors/:name`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showConnector',
        summary: 'One connector with its settings, streams and what they can do',
        tags,
        params: NameParams('connector'),
        response: { 200: Detail },
      },
    },
    async ({ params }) => {
      const found = hub.connectors().find(({ name }) => name === params.name)
      if (found) return found
      throw unknownConnector(hub, params.name)
    },
  )
}
