import { Type } from 'typebox'
import { searchRecords, showRecord } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, ListOf, paging, Text } from '../schemas/basics.ts'
import { FoundRecord, Record } from '../schemas/ledger.ts'

const tags = ['records']
const StreamText = Text('`connection:stream`', 'crm:contacts')

export function recordRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/records`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'searchRecords',
        summary: 'Finds records in all streams by id, match field or linked id',
        tags,
        querystring: Closed({
          key: Text('A record id, an e-mail address, a number: whatever identifies it.', 'ada@example.org'),
          stream: Type.Optional(StreamText),
          limit: paging.limit,
        }),
        response: { 200: ListOf(FoundRecord) },
      },
    },
    async ({ query }) => ({ items: await searchRecords(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }) }),
  )

  // Ids go into the query and not into the path: "..", "/" and "%2F" would not survive proxies there.
  app.get(
    `${API}/record`,
    {
      config: { access: 'records:read', mayAnswer: [404] },
      schema: {
        operationId: 'showRecord',
        summary: 'What the hub knows of one record: last state, deliveries, links, journal',
        tags,
        querystring: Closed({ stream: StreamText, id: Text('The id of the record in its stream.') }),
        response: { 200: Record },
      },
    },
    async ({ query }) => {
      const found = await showRecord(database, query.stream, query.id)
      if (!found)
        throw notFound(`Stream "${query.stream}" has no record with this id.`, 'Search by key under `/api/v1/records`.')
      return found
    },
  )
}
