import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import {
  CONFLICT_STATES,
  countSelection,
  listConflicts,
  openConflicts,
  showBulkAction,
} from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, Counts, DEFAULT_LIMIT, PageOf, paging, Text } from '../schemas/basics.ts'
import { BulkAction, confirmedToken, token } from '../schemas/bulk.ts'
import { Conflict } from '../schemas/ledger.ts'
import { actorOf } from './actor.ts'

const tags = ['conflicts']
/** Named one by one; more are decided by a filter. */
const MOST = 500

const filter = {
  sync: Type.Optional(Text('Only this sync.', 'contacts-to-helpdesk')),
  field: Type.Optional(Text('Only this field.', 'phone')),
  record: Type.Optional(Text('Only the record with this id, on either side.')),
}
const Filter = Closed(filter)
const said = {
  choose: Type.Enum(['from', 'to', 'value'], { description: 'Which side wins, or a value for both.' }),
  value: Type.Optional(
    Type.Unknown({ description: 'With `value`: in the words of the side that the conflict names.' }),
  ),
  reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
}

/** What a person said, as it is kept. */
function decisionOf({ choose, value }: { choose: 'from' | 'to' | 'value'; value?: unknown }) {
  if ((choose === 'value') !== (value !== undefined))
    throw new CausewayError('CSW-8003', { what: '"value" goes with "choose": "value", and is needed there.' })
  return { decision: choose, value: value === undefined ? null : JSON.stringify(value) }
}

/** Fields that both sides of a two-way sync changed, and a person's answer. */
export function conflictRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/conflicts`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listConflicts',
        summary: 'Fields that both sides of a two-way sync changed, newest first; open ones unless told otherwise',
        tags,
        querystring: Closed({
          ...paging,
          ...filter,
          state: Type.Optional(Type.Enum([...CONFLICT_STATES])),
        }),
        response: { 200: PageOf(Conflict) },
      },
    },
    ({ query }) => listConflicts(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.post(
    `${API}/conflicts/resolve`,
    {
      config: { access: 'records:write' },
      schema: {
        operationId: 'resolveConflicts',
        summary: 'Decides conflicts by their numbers',
        description:
          'The value that wins is written to the other side by the next push, as long as neither side was changed meanwhile. Conflicts that are not open any more are left alone and not counted.',
        tags,
        body: Closed({
          ids: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: MOST, examples: [[17, 18]] }),
          ...said,
        }),
        response: { 200: Closed({ decided: Type.Integer() }) },
      },
    },
    ({ body, caller }) => hub.resolveConflicts(body.ids, decisionOf(body), actorOf(caller, body)),
  )

  app.post(
    `${API}/conflicts/preview`,
    {
      config: { access: 'records:write', repeat: 'anew' },
      schema: {
        operationId: 'previewConflicts',
        summary: 'Counts the open conflicts that one decision would be about, and changes nothing',
        tags,
        body: Closed({ filter: Filter }),
        response: { 200: Closed({ count: Type.Integer(), byField: Counts('How many of each field.'), token }) },
      },
    },
    async ({ body }) => {
      const { byCode: byField, ...counted } = await countSelection(database, openConflicts(body.filter))
      return { ...counted, byField }
    },
  )

  app.post(
    `${API}/conflicts/resolve-all`,
    {
      config: { access: 'records:write' },
      schema: {
        operationId: 'resolveAllConflicts',
        summary: 'Decides what a preview counted, as a bulk action; refused when that has changed',
        tags,
        body: Closed({ filter: Filter, token: confirmedToken, ...said }),
        response: { 202: BulkAction },
      },
    },
    async ({ body, caller, claim }, reply) => {
      const { filter: wanted, token: counted } = body
      const id = await hub.bulk.begin(
        {
          kind: 'conflicts.resolve',
          filter: wanted,
          selection: openConflicts(wanted),
          token: counted,
          id: claim?.id ?? null,
          decision: decisionOf(body),
        },
        actorOf(caller, body),
      )
      reply.code(202)
      return (await showBulkAction(database, id))!
    },
  )
}
