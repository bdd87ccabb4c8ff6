import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { CONFLICT_STATES, listConflicts, selectConflicts } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, DEFAULT_LIMIT, PageOf, paging, Text } from '../schemas/basics.ts'
import { Conflict } from '../schemas/ledger.ts'
import { actorOf } from './actor.ts'

const tags = ['conflicts']
/** One decision; more are made by repeating it. */
const MOST = 10_000

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
          sync: Type.Optional(Text('Only this sync.')),
          field: Type.Optional(Text('Only this field.')),
          record: Type.Optional(Text('Only the record with this id, on either side.')),
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
        summary: 'Decides conflicts, singly or all that are alike',
        description:
          'The value that wins is written to the other side by the next push, as long as neither side was changed meanwhile. Conflicts that are not open any more are left alone and not counted.',
        tags,
        body: Closed({
          ids: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: MOST })),
          sync: Type.Optional(Text('All open ones of this sync.')),
          field: Type.Optional(Text('Of those, only this field.')),
          choose: Type.Enum(['from', 'to', 'value'], { description: 'Which side wins, or a value for both.' }),
          value: Type.Optional(
            Type.Unknown({ description: 'With `value`: in the words of the side that the conflict names.' }),
          ),
          reason: Type.Optional(Text('Why, for the audit trail.')),
        }),
        response: { 200: Closed({ decided: Type.Integer() }) },
      },
    },
    async ({ body, caller }) => {
      const { ids, sync, field, choose, value } = body
      if (!ids && !sync) throw new CausewayError('CSW-8003', { what: 'Neither "ids" nor "sync" says which conflicts.' })
      if ((choose === 'value') !== (value !== undefined))
        throw new CausewayError('CSW-8003', { what: '"value" goes with "choose": "value", and is needed there.' })
      const filter = { ...(ids ? { ids } : {}), ...(sync ? { sync } : {}), ...(field ? { field } : {}) }
      const chosen = await selectConflicts(database, filter, MOST)
      const said = { decision: choose, value: value === undefined ? null : JSON.stringify(value) }
      return hub.resolveConflicts(chosen, said, actorOf(caller, body))
    },
  )
}
