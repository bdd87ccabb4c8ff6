import { structuredPatch } from 'diff'
import { Type } from 'typebox'
import {
  compareVersions,
  listConfigurationVersions,
  readVersionFile,
  showConfigurationVersion,
} from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import {
  Closed,
  Counts,
  DEFAULT_LIMIT,
  MaybeInteger,
  MaybeText,
  PageOf,
  paging,
  Text,
  Time,
} from '../schemas/basics.ts'
import { untilGone } from '../until-gone.ts'

const tags = ['configuration']
const Change = Type.Enum(['added', 'changed', 'removed'])
const Masked = Type.Boolean({ description: 'A secret stood in the file; what is kept has `[secret]` in its place.' })
const Version = {
  version: Type.Integer(),
  at: Time,
  how: Type.Enum(['start', 'edit', 'plan', 'roll_back'], {
    description: 'By a start of the hub, an edit of its files, a plan that was applied, or a plan that went back.',
  }),
  actor: Type.String({ description: '`hub` where it read its files by itself.' }),
  host: Type.String({ description: 'The machine whose process did it.' }),
  reason: MaybeText,
  environment: MaybeText,
  backTo: MaybeInteger,
  previous: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'The version before it; null where none is kept.',
  }),
  inForce: Type.Boolean({ description: 'The last one.' }),
  files: Type.Array(Closed({ path: Type.String(), change: Change }), {
    description: 'What differs from the version before.',
  }),
  items: Type.Array(Closed({ kind: Type.String(), name: Type.String(), change: Change }), {
    description: 'Connections, connectors, entities and syncs that differ from what was in force before.',
  }),
}
const KeptFile = Closed({ path: Type.String(), digest: Type.String(), bytes: Type.Integer(), masked: Masked })
const Params = Closed({
  version: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Number of the version.', examples: ['12'] }),
})
const Difference = Closed({
  path: Type.String(),
  change: Change,
  masked: Masked,
  patch: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description:
      'The lines that differ, with some around them, as `diff -u` writes them; null where there are too many.',
  }),
})

const ItemKind = Type.Enum(['connection', 'connector', 'entity', 'sync'])
const Planned = Closed({
  configuration: Type.Array(
    Closed({
      kind: ItemKind,
      name: Type.String(),
      change: Change,
      fields: Type.Array(Closed({ field: Type.String(), before: MaybeText, after: MaybeText })),
      patch: Type.Optional(
        Type.String({
          description: 'Of a changed mapping or manifest: the lines that differ, as `diff -u` writes them.',
        }),
      ),
      effect: Type.Optional(
        Closed(
          {
            records: Type.Integer(),
            same: Type.Integer(),
            changed: Type.Integer(),
            outcomes: Counts('Records that pass, are left out or fail under one of the two only.'),
            fields: Type.Array(Closed({ field: Type.String(), count: Type.Integer() })),
            notKept: Type.Integer(),
            truncated: Type.Boolean(),
          },
          { description: 'Of a changed mapping: how many recorded inputs come out differently.' },
        ),
      ),
    }),
  ),
  basis: Type.Array(Closed({ kind: ItemKind, name: Type.String(), before: MaybeText, after: MaybeText }), {
    description: 'For `applyConfiguration`, as it is.',
  }),
  rollBack: Closed({
    version: Type.Integer(),
    inForce: Type.Integer({ description: 'The version that is left.' }),
    files: Type.Array(Closed({ path: Type.String(), before: MaybeText }), {
      description: 'For `applyConfiguration`: the files of both versions, and the digests of those in force.',
    }),
    changes: Type.Array(Closed({ path: Type.String(), change: Change })),
  }),
})
/** Recorded inputs go through both texts of each mapping that changes. */
const PLAN_MS = 120_000
const MAX_RECORDS = 100_000
const DEFAULT_RECORDS = 1_000

/** Two texts that have nothing in common would be compared for minutes. */
const PATCH_MS = 2_000

const unknownVersion = (version: number | string): Error =>
  notFound(
    `There is no version ${version} of the configuration.`,
    'List them with `causeway config versions`; old ones go after `configuration_days`.',
  )

export function configurationVersionRoutes(app: App, { database, hub }: RouteContext): void {
  app.get(
    `${API}/configuration/versions`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listConfigurationVersions',
        summary: 'The configurations that came into force, newest first, with what changed',
        tags,
        querystring: Closed({
          ...paging,
          sync: Type.Optional(Text('Only those that had this sync.', 'contacts')),
          mapping: Type.Optional(Text('Only those that had this version of a mapping, as a run names it.')),
        }),
        response: { 200: PageOf(Closed(Version)) },
      },
    },
    ({ query }) => listConfigurationVersions(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  const find = async (version: string) => {
    const found = await showConfigurationVersion(database, Number(version))
    if (found) return found
    throw unknownVersion(version)
  }

  app.get(
    `${API}/configuration/versions/:version`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showConfigurationVersion',
        summary: 'One configuration that came into force, with the names of its files',
        tags,
        params: Params,
        response: { 200: Closed({ ...Version, kept: Type.Array(KeptFile) }) },
      },
    },
    ({ params }) => find(params.version),
  )

  app.get(
    `${API}/configuration/versions/:version/file`,
    {
      config: { access: 'configuration:read' },
      schema: {
        operationId: 'showConfigurationFile',
        summary: 'A file as it stood in a version',
        tags,
        params: Params,
        querystring: Closed({ path: Text('From the hub folder.', 'mappings/contacts.yaml') }),
        response: { 200: Closed({ path: Type.String(), text: Type.String(), masked: Masked }) },
      },
    },
    async ({ params, query: { path } }) => {
      const file = await readVersionFile(database, Number(params.version), path)
      if (file) return { path, text: file.content.toString('utf8'), masked: file.masked }
      const { kept } = await find(params.version)
      throw notFound(
        `Version ${params.version} has no file ${path}.`,
        `It has: ${kept
          .slice(0, 20)
          .map((one) => one.path)
          .join(', ')}.`,
      )
    },
  )

  app.get(
    `${API}/configuration/versions/:version/plan`,
    {
      handlerTimeout: PLAN_MS,
      config: { access: 'configuration:read' },
      schema: {
        operationId: 'planRollBack',
        summary: 'What going back to a version would change, without writing anything',
        description:
          'Files, and connections, connectors, entities and syncs field by field. `applyConfiguration` takes `basis` and, of `rollBack`, ' +
          '`version` and `files`. Refused where a secret stood in a file of the version (CSW-8027).',
        tags,
        params: Params,
        querystring: Closed({
          records: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: MAX_RECORDS,
              description: `Recorded inputs that go through both texts of a changed mapping; ${DEFAULT_RECORDS} unless told.`,
            }),
          ),
        }),
        response: { 200: Planned },
      },
    },
    async ({ params, query }, reply) => {
      const { version } = await find(params.version)
      return hub.planRollBack(version, query.records ?? DEFAULT_RECORDS, untilGone(reply, PLAN_MS))
    },
  )

  app.get(
    `${API}/configuration/versions/:version/differences`,
    {
      config: { access: 'configuration:read' },
      schema: {
        operationId: 'compareConfigurationVersions',
        summary: 'The files that differ between two versions, line by line',
        tags,
        params: Params,
        querystring: Closed({
          to: Type.Optional(
            Type.Integer({ minimum: 1, description: 'Number of the other version; the one in force unless told.' }),
          ),
        }),
        response: {
          200: Closed({ from: Type.Integer(), to: Type.Integer(), files: Type.Array(Difference) }),
        },
      },
    },
    async ({ params, query }) => {
      const { version: from } = await find(params.version)
      const newest = (await listConfigurationVersions(database, { limit: 1 })).items[0]!.version
      const { version: to } = await find(String(query.to ?? newest))
      const files = await compareVersions(database, from, to)
      return {
        from,
        to,
        files: files.map(({ path, change, masked, before, after }) => ({
          path,
          change,
          masked,
          patch: patchOf(before, after),
        })),
      }
    },
  )
}

function patchOf(before: Buffer | null, after: Buffer | null): string | null {
  const [was, is] = [before, after].map((content) => content?.toString('utf8') ?? '')
  const patch = structuredPatch('', '', was!, is!, undefined, undefined, { context: 3, timeout: PATCH_MS })
  if (!patch) return null
  // Of a side without lines the line before is named, which is 0 in an empty file.
  const at = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${at(oldStart, oldLines)} +${at(newStart, newLines)} @@`, ...lines].join('\n'),
    )
    .join('\n')
}
