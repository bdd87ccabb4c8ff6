import { Type } from 'typebox'
import { type ConnectionView, listConnections, listStreams, showConnection } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, DEFAULT_LIMIT, MaybeText, NameParams, PageOf, paging, ReasonBody, Text } from '../schemas/basics.ts'
import { Connection, Stream } from '../schemas/ledger.ts'
import { unknownConnection } from '../unknown.ts'
import { actorOf } from './actor.ts'

const tags = ['connections']
const Detail = Closed({
  connection: Connection,
  definition: Type.Union([
    Closed({ file: Type.String(), settings: Type.Unknown({ description: 'Secrets are masked.' }) }),
    Type.Null(),
  ]),
  streams: Type.Array(Stream),
})
const ProbeSteps = Closed({
  ok: Type.Boolean(),
  steps: Type.Array(
    Closed({ step: Type.String(), ok: Type.Boolean(), detail: Type.String(), code: MaybeText, fix: MaybeText }),
  ),
})
const Pending = Closed({ state: Type.String(), verifier: Type.String(), redirectUri: Type.String() })
/** A probe dials out; it gets longer than a look into a table, and less than the socket lives. */
const PROBE_MS = 45_000

export function connectionRoutes(app: App, { hub, database }: RouteContext): void {
  const find = async (name: string): Promise<ConnectionView> => {
    const found = await showConnection(database, name)
    if (found) return found
    throw unknownConnection(hub, name)
  }

  app.get(
    `${API}/connections`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listConnections',
        summary: 'Connections with state, waits and last successes',
        tags,
        querystring: Closed({
          ...paging,
          connector: Type.Optional(Text('Only those of this connector.', 'hubspot')),
          state: Type.Optional(Type.Enum(['active', 'paused', 'needs_authorisation', 'removed'])),
        }),
        response: { 200: PageOf(Connection) },
      },
    },
    ({ query }) => listConnections(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/connections/:name`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showConnection',
        summary: 'One connection with its settings (secrets masked) and streams',
        tags,
        params: NameParams('connection'),
        response: { 200: Detail },
      },
    },
    async ({ params }) => {
      const connection = await find(params.name)
      const definition = hub.connections().find(({ name }) => name === params.name)
      const streams = await listStreams(database, { connection: params.name, limit: 500 })
      return {
        connection,
        definition: definition ? { file: definition.file, settings: definition.settings } : null,
        streams: streams.items,
      }
    },
  )

  for (const [action, does] of [
    ['pause', 'Starts no more work for a connection; what is under way ends'],
    ['resume', 'Lets work of a connection go on'],
  ] as const)
    app.post(
      `${API}/connections/:name/${action}`,
      {
        config: { access: 'syncs:operate' },
        schema: {
          operationId: `${action}Connection`,
          summary: does,
          tags,
          params: NameParams('connection'),
          body: ReasonBody,
          response: { 200: Connection },
        },
      },
      async ({ params, body, caller }) => {
        await find(params.name)
        const act = action === 'pause' ? hub.pauseConnection : hub.resumeConnection
        await act.call(hub, params.name, actorOf(caller, body))
        return find(params.name)
      },
    )

  app.post(
    `${API}/connections/:name/test`,
    {
      handlerTimeout: PROBE_MS + 5_000,
      config: { access: 'syncs:operate', repeat: 'anew' },
      schema: {
        operationId: 'testConnection',
        summary: 'Walks DNS, TLS, authorisation and a first page, without writing',
        tags,
        params: NameParams('connection'),
        body: ReasonBody,
        response: { 200: ProbeSteps },
      },
    },
    async ({ params }) => {
      await find(params.name)
      const steps = await hub.probe(params.name, AbortSignal.timeout(PROBE_MS))
      return {
        ok: steps.every((step) => step.ok),
        steps: steps.map(({ step, ok, detail, error }) => ({
          step,
          ok,
          detail,
          code: error?.code ?? null,
          fix: error?.fix ?? null,
        })),
      }
    },
  )

  app.post(
    `${API}/connections/:name/login`,
    {
      config: { access: 'connections:authorise', repeat: 'anew' },
      schema: {
        operationId: 'beginConnectionLogin',
        summary: 'Where a person allows a connection (OAuth 2.0 with a code); `pending` is secret until they come back',
        tags,
        params: NameParams('connection'),
        body: Closed({ redirectUri: Text('Where they come back to.', 'http://127.0.0.1:8765/callback') }),
        response: { 200: Closed({ url: Type.String(), pending: Pending }) },
      },
    },
    async ({ params, body }) => {
      await find(params.name)
      return hub.beginLogin(params.name, body.redirectUri)
    },
  )

  app.post(
    `${API}/connections/:name/login/finish`,
    {
      handlerTimeout: PROBE_MS + 5_000,
      config: { access: 'connections:authorise' },
      schema: {
        operationId: 'finishConnectionLogin',
        summary:
          'Takes the address a person came back with: gets the tokens, keeps them sealed, lets the connection work',
        tags,
        params: NameParams('connection'),
        body: Closed({ pending: Pending, parameters: Type.Record(Type.String(), Type.String()) }),
        response: { 200: Connection },
      },
    },
    async ({ params, body, caller }) => {
      await find(params.name)
      await hub.finishLogin(params.name, body, actorOf(caller))
      return find(params.name)
    },
  )
}
