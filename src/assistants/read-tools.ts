import { z } from 'zod'
import { CausewayError, type ErrorCode, errorRegistry, nearestName } from '../core/index.ts'
import { connectionName, DEFAULT_LIMIT, letters, number, page, streamName, syncName, text } from './fields.ts'
import { apiPath } from './hub.ts'
import { type ReadTool, readTool } from './tool.ts'

/** Parts of a hub's state, and where the API tells them. */
const STATES = {
  hub: 'system',
  caller: 'me',
  syncs: 'syncs',
  connections: 'connections',
  queues: 'queues',
  streams: 'streams',
  schedules: 'schedules',
  workers: 'workers',
} as const
const PAGED = new Set<string>(['syncs', 'connections', 'streams'])
const MAX_MAPPING = 500_000
const MAX_RECORD = 1_000_000
const PLANNED = 100

/** Tools that change nothing, in the hub or behind it. */
export const READ_TOOLS: ReadTool[] = [
  readTool({
    name: 'show_status',
    title: 'State of the hub',
    description:
      'How the hub is: version and checks (hub), who this session acts as and what it may do (caller), or its syncs, connections, queues, streams, schedules, workers. Begin here, then list_problems.',
    fields: {
      about: z.enum(Object.keys(STATES) as [keyof typeof STATES]).describe('What to show.'),
      ...page,
    },
    read: (hub, { about, limit, cursor }) =>
      hub.call('GET', apiPath([STATES[about]], PAGED.has(about) ? { limit: limit ?? DEFAULT_LIMIT, cursor } : {})),
  }),
  readTool({
    name: 'show_sync',
    title: 'One sync',
    description: 'A sync with its state, last run, deliveries by state, and the text of its mapping file.',
    fields: { sync: syncName },
    read: (hub, { sync }) => hub.call('GET', apiPath(['syncs', sync])),
  }),
  readTool({
    name: 'list_problems',
    title: 'What is broken',
    description:
      'Dead letters and failures grouped by cause, each with its error code, fingerprint, count and what to do.',
    fields: { connection: connectionName.optional() },
    read: (hub, { connection }) => hub.call('GET', apiPath(['problems'], { connection })),
  }),
  readTool({
    name: 'show_problem',
    title: 'One cause',
    description: 'One problem with some of its dead letters.',
    fields: {
      code: text('Error code, as list_problems gives it.'),
      fingerprint: text('Cause, as list_problems gives it.'),
    },
    read: (hub, { code, fingerprint }) => hub.call('GET', apiPath(['problems', code, fingerprint])),
  }),
  readTool({
    name: 'list_dead_letters',
    title: 'Dead letters',
    description: 'Records that need a person, newest first: number, record id, error.',
    fields: {
      ...letters,
      state: z.enum(['open', 'requeued', 'resolved', 'discarded']).optional().describe('Open ones unless told.'),
      ...page,
    },
    read: (hub, { limit, ...query }) =>
      hub.call('GET', apiPath(['dead-letters'], { ...query, limit: limit ?? DEFAULT_LIMIT })),
  }),
  readTool({
    name: 'show_dead_letter',
    title: 'One dead letter',
    description: 'A dead letter with the record as it came, what was made of it, and what was said to the target.',
    fields: { id: number('Number of the dead letter.') },
    read: (hub, { id }) => hub.call('GET', apiPath(['dead-letters', id])),
  }),
  readTool({
    name: 'find_records',
    title: 'Find records',
    description: 'Records of all streams by id, e-mail address or another key, or by the id of a linked record.',
    fields: { key: text('Whatever identifies it.'), stream: streamName.optional(), limit: page.limit },
    read: (hub, { limit, ...query }) =>
      hub.call('GET', apiPath(['records'], { ...query, limit: limit ?? DEFAULT_LIMIT })),
  }),
  readTool({
    name: 'show_record',
    title: 'One record',
    description: 'What the hub knows of a record: last state, deliveries, links, dead letters, journal.',
    fields: { stream: streamName, id: text('Id of the record in its stream.') },
    read: (hub, query) => hub.call('GET', apiPath(['record'], query)),
  }),
  readTool({
    name: 'explain_value',
    title: 'Where a value came from',
    description:
      'For a record of a target: which source record, run, and line of which mapping each of its values came from.',
    fields: {
      stream: streamName,
      id: text('Id of the target record.'),
      field: text('Only this field.').optional(),
    },
    read: (hub, query) => hub.call('GET', apiPath(['explain'], query)),
  }),
  readTool({
    name: 'explain_error_code',
    title: 'What an error code means',
    description: 'Meaning of an error code and what to do about it. Asks no hub.',
    fields: { code: text('Like CSW-3003.') },
    read: async (_hub, { code }) => explained(code.toUpperCase()),
  }),
  readTool({
    name: 'list_runs',
    title: 'Runs',
    description: 'Pulls and pushes, newest first, with outcome, counts and error.',
    fields: {
      sync: text('Only pushes of this sync.').optional(),
      stream: streamName.optional(),
      connection: connectionName.optional(),
      outcome: text('Only this outcome, like success, failed or held.').optional(),
      since: text('Started at or after this time (RFC 3339).').optional(),
      ...page,
    },
    read: (hub, { limit, ...query }) => hub.call('GET', apiPath(['runs'], { ...query, limit: limit ?? DEFAULT_LIMIT })),
  }),
  readTool({
    name: 'show_run',
    title: 'One run',
    description: 'One run. With hold, what it held for a person instead of deleting it.',
    fields: { id: number('Number of the run.'), hold: z.boolean().optional() },
    read: (hub, { id, hold }) => hub.call('GET', apiPath(['runs', id, ...(hold ? ['hold'] : [])])),
  }),
  readTool({
    name: 'show_request',
    title: 'How far a requested run is',
    description: 'Follows what run_sync began.',
    fields: { sync: syncName, requestId: text('As run_sync gave it.') },
    read: (hub, { sync, requestId }) => hub.call('GET', apiPath(['syncs', sync, 'requests', requestId])),
  }),
  readTool({
    name: 'show_bulk_action',
    title: 'How far a bulk action is',
    description: 'Follows what requeue_dead_letters or discard_dead_letters began.',
    fields: { id: number('Number of the bulk action.') },
    read: (hub, { id }) => hub.call('GET', apiPath(['bulk-actions', id])),
  }),
  readTool({
    name: 'check_mapping',
    title: 'Check a mapping',
    description:
      'Checks a text of a mapping file for a sync and, where a record is named or given, says what becomes of it, which line made which value, and which tests fail. Keeps nothing and sends nothing.',
    fields: {
      sync: syncName,
      mapping: z.string().min(1).max(MAX_MAPPING).optional().describe('Text of the file; the running one unless told.'),
      record: text('Id of a record of the source.').optional(),
      input: z.string().max(MAX_RECORD).optional().describe('Or a record, as JSON text.'),
      tests: z.boolean().optional().describe('Runs the tests of the mapping too.'),
    },
    read: (hub, { sync, ...body }) => hub.call('POST', apiPath(['syncs', sync, 'try']), body),
  }),
  readTool({
    name: 'plan_sync',
    title: 'What a push would do',
    description:
      'Per record and field, what a push would write, with the running mapping or another text of it. Writes nothing; looks records up in the target.',
    fields: {
      sync: syncName,
      records: z.array(text('Id of a source record.')).max(1_000).optional().describe('Only these.'),
      limit: z.int().min(1).max(10_000).optional().describe(`Records to look at; ${PLANNED} unless told.`),
      mapping: z.string().min(1).max(MAX_MAPPING).optional().describe('Text of a mapping file to plan with.'),
    },
    reachesSystems: true,
    read: (hub, { sync, limit, ...body }) =>
      hub.call('POST', apiPath(['syncs', sync, 'plan']), { ...body, limit: limit ?? PLANNED }),
  }),
]

function explained(code: string): string {
  if (Object.hasOwn(errorRegistry, code)) return JSON.stringify({ code, ...errorRegistry[code as ErrorCode] })
  const near = nearestName(code, Object.keys(errorRegistry))
  throw new CausewayError('CSW-8002', {
    what: `There is no error code ${JSON.stringify(code)}.`,
    ...(near ? { fix: `Did you mean ${near}?` } : {}),
  })
}
