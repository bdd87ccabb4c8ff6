import { Type } from 'typebox'
import type { SyncDetail } from '../../store/views/index.ts'
import {
  isSync,
  listMappingVersions,
  listSyncs,
  requestProgress,
  showMappingVersion,
  showSync,
} from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, Counts, DEFAULT_LIMIT, NameParams, PageOf, paging, ReasonBody, Text, Time } from '../schemas/basics.ts'
import { RequestProgress, Sync } from '../schemas/ledger.ts'
import { unknownSync } from '../unknown.ts'
import { actorOf } from './actor.ts'

const tags = ['syncs']
const Definition = Closed({
  file: Type.String(),
  mode: Type.String(),
  match: Type.Array(Type.Array(Type.String())),
  deletes: Type.String(),
  lanes: Type.Integer(),
  tags: Type.Array(Type.String()),
  schedule: Type.Array(Type.Unknown()),
  fullSchedule: Type.Unknown(),
  source: Type.String({ description: 'The mapping file as it stands.' }),
})
const MappingVersion = {
  version: Type.String(),
  firstUsedAt: Time,
  configurations: Type.Array(Type.Integer(), {
    description: 'The newest versions of the configuration that had it; at most ten.',
  }),
}
const Counted = Closed({
  ...Sync,
  deliveries: Counts('Deliveries by state.'),
  deliveriesEstimated: Type.Boolean({
    description: 'More than two million: told from a sample, to two digits; a state that few have may be missing.',
  }),
})
const Detail = Closed({
  sync: Counted,
  definition: Type.Union([Definition, Type.Null()]),
})
const Started = Closed({
  requestId: Type.String({ description: 'Follow it under `/syncs/{name}/requests/{requestId}`.' }),
})

export function syncRoutes(app: App, { hub, database }: RouteContext): void {
  const find = async (name: string): Promise<SyncDetail> => {
    const found = await showSync(database, name)
    if (found) return found
    throw unknownSync(hub, name)
  }
  const mustExist = async (name: string): Promise<void> => {
    if (!(await isSync(database, name))) throw unknownSync(hub, name)
  }

  app.get(
    `${API}/syncs`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listSyncs',
        summary: 'Syncs with state, last run and open dead letters',
        tags,
        querystring: Closed({
          ...paging,
          connection: Type.Optional(Text('Only those that read from or write to this connection.', 'crm')),
          state: Type.Optional(Type.Enum(['active', 'paused', 'removed'])),
        }),
        response: { 200: PageOf(Closed(Sync)) },
      },
    },
    ({ query }) => listSyncs(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/syncs/:name`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showSync',
        summary: 'One sync with its mapping file and deliveries by state',
        tags,
        params: NameParams('sync'),
        response: { 200: Detail },
      },
    },
    async ({ params }) => {
      const sync = await find(params.name)
      const found = hub.syncs().find(({ name }) => name === params.name)
      if (!found) return { sync, definition: null }
      const { file, mode, match, deletes, lanes, tags, schedule, fullSchedule, source } = found
      return { sync, definition: { file, mode, match, deletes, lanes, tags, schedule, fullSchedule, source } }
    },
  )

  app.get(
    `${API}/syncs/:name/mappings`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listMappingVersions',
        summary: 'The versions that the mapping of a sync had, the youngest first; runs and deliveries name them',
        tags,
        params: NameParams('sync'),
        querystring: Closed(paging),
        response: { 200: PageOf(Closed(MappingVersion)) },
      },
    },
    async ({ params: { name }, query }) => {
      await mustExist(name)
      return listMappingVersions(database, name, { ...query, limit: query.limit ?? DEFAULT_LIMIT })
    },
  )

  app.get(
    `${API}/syncs/:name/mappings/:version`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showMappingVersion',
        summary: 'A version of a mapping with its text',
        tags,
        params: Closed({
          name: Text('Name of the sync.', 'contacts-to-helpdesk'),
          version: Text('As a run names it.', 'n4bQgYhMfWWaL-qgxVrQFA'),
        }),
        response: { 200: Closed({ ...MappingVersion, source: Type.String({ description: 'The mapping file.' }) }) },
      },
    },
    async ({ params: { name, version } }) => {
      await mustExist(name)
      const found = await showMappingVersion(database, name, version)
      if (found) return found
      throw notFound(`The mapping of ${name} never had the version ${version}.`)
    },
  )

  app.post(
    `${API}/syncs/:name/run`,
    {
      config: { access: 'syncs:operate' },
      schema: {
        operationId: 'runSync',
        summary: 'Pulls the source and delivers what changed',
        description:
          'Answers when the wish is committed. The work is done by the workers; a repeated call while it waits is harmless.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          full: Type.Optional(
            Type.Boolean({ description: 'Reads the source from the beginning instead of its changes.' }),
          ),
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
        }),
        response: { 202: Started },
      },
    },
    async ({ params, body, caller, claim }, reply) => {
      await mustExist(params.name)
      const started = await hub.runSync(params.name, {
        full: body.full ?? false,
        trigger: 'api',
        actor: actorOf(caller, body),
        ...(claim ? { requestId: claim.id } : {}),
      })
      reply.code(202)
      return { requestId: started.requestId }
    },
  )

  app.get(
    `${API}/syncs/:name/requests/:requestId`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showRequest',
        summary: 'How far a requested run is',
        tags,
        params: Closed({
          name: Text('Name of the sync.', 'contacts-to-helpdesk'),
          requestId: Text('What `run` answered.', '0a6f7c1e-5b0d-4b57-9a43-0d2f6f3c9b1e'),
        }),
        response: { 200: RequestProgress },
      },
    },
    async ({ params }) => {
      const progress = await requestProgress(database, { sync: params.name, requestId: params.requestId })
      if (!progress) throw unknownSync(hub, params.name)
      return progress
    },
  )

  for (const [action, does] of [
    ['pause', 'Delivers nothing more for a sync; pulls of its source go on'],
    ['resume', 'Delivers what gathered meanwhile and goes on'],
  ] as const)
    app.post(
      `${API}/syncs/:name/${action}`,
      {
        config: { access: 'syncs:operate' },
        schema: {
          operationId: `${action}Sync`,
          summary: does,
          tags,
          params: NameParams('sync'),
          body: ReasonBody,
          response: { 200: Counted },
        },
      },
      async ({ params, body, caller }) => {
        await mustExist(params.name)
        const act = action === 'pause' ? hub.pauseSync : hub.resumeSync
        await act.call(hub, params.name, actorOf(caller, body))
        return find(params.name)
      },
    )
}
