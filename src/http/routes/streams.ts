import { Type } from 'typebox'
import { listStreams, showStream } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, PageOf, paging, Text } from '../schemas/basics.ts'
import { Stream, StreamDetail } from '../schemas/ledger.ts'

const tags = ['streams']

export function streamRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/streams`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listStreams',
        summary: 'Streams with cursor, last pull and failures',
        tags,
        querystring: Closed({ ...paging, connection: Type.Optional(Text('Only those of this connection.', 'crm')) }),
        response: { 200: PageOf(Stream) },
      },
    },
    ({ query }) => listStreams(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/streams/:address`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showStream',
        summary: 'One stream with the size of its change log',
        tags,
        params: Closed({ address: Text('`connection:stream`', 'crm:contacts') }),
        response: { 200: StreamDetail },
      },
    },
    async ({ params }) => {
      const found = await showStream(database, params.address)
      if (!found) throw notFound(`There is no stream "${params.address}".`)
      return found
    },
  )
}
