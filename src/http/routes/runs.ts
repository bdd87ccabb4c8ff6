import { Type } from 'typebox'
import { listRuns, showHold, showRun } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { mayReadRecords, notFound } from '../problem.ts'
import { Closed, Counts, DEFAULT_LIMIT, IdParams, Moment, PageOf, paging, ReasonBody, Text } from '../schemas/basics.ts'
import { Hold, Outcome, Run, RunKind } from '../schemas/ledger.ts'
import { untilGone } from '../until-gone.ts'
import { actorOf } from './actor.ts'

const tags = ['runs']

/** It reads the target and writes to it. */
const UNDO_MS = 600_000
const UndoneAnswer = Closed({
  run: Type.Integer(),
  sync: Type.String(),
  runs: Type.Array(Type.Integer(), { description: 'Runs that wrote, one of each lane.' }),
  restored: Type.Integer({ description: 'Records that got former values back, or would.' }),
  removed: Type.Integer({ description: 'Records that the run created and that are deleted again, or would be.' }),
  states: Counts('These records by the state they came to rest in.'),
  changes: Type.Array(
    Closed({
      record: Type.String(),
      part: Type.String(),
      target: Type.String(),
      action: Type.Union([Type.Literal('restore'), Type.Literal('delete')], {
        description: '`delete`: the run created the record.',
      }),
      fields: Type.Array(Closed({ field: Type.String(), wrote: Type.Unknown(), before: Type.Unknown() })),
    }),
  ),
  left: Type.Array(
    Closed({
      record: Type.String(),
      part: Type.String(),
      target: Type.String(),
      reason: Type.String(),
      fields: Type.Array(Type.String(), { description: 'Those that stay; all of the record where there are none.' }),
    }),
    { description: 'What stays as it is.' },
  ),
})

export function runRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/runs`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listRuns',
        summary: 'Runs, newest first',
        tags,
        querystring: Closed({
          ...paging,
          kind: Type.Optional(RunKind),
          sync: Type.Optional(Text('Only pushes of this sync.')),
          stream: Type.Optional(Text('Only runs of this stream, `connection:stream`.', 'crm:contacts')),
          connection: Type.Optional(Text('Only runs that touch this connection.')),
          outcome: Type.Optional(Outcome),
          requestId: Type.Optional(Text('Only runs that this request started.')),
          trigger: Type.Optional(Text('Only runs started by this.', 'schedule')),
          since: Type.Optional(Moment('Started at or after.')),
          until: Type.Optional(Moment('Started before.')),
        }),
        response: { 200: PageOf(Run) },
      },
    },
    ({ query }) => listRuns(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/runs/:id`,
    {
      config: { access: 'hub:read' },
      schema: { operationId: 'showRun', summary: 'One run', tags, params: IdParams, response: { 200: Run } },
    },
    async ({ params }) => {
      const found = await showRun(database, params.id)
      if (!found) throw notFound(`There is no run ${params.id}.`)
      return found
    },
  )

  app.get(
    `${API}/runs/:id/hold`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showHold',
        summary: 'What a run held for a person instead of deleting it',
        tags,
        params: IdParams,
        response: { 200: Hold },
      },
    },
    async ({ params, caller }) => {
      const found = await showHold(database, params.id)
      if (!found) throw notFound(`Run ${params.id} holds nothing.`)
      return mayReadRecords(caller) ? found : { ...found, sample: [] }
    },
  )

  for (const [action, does] of [
    ['approve', 'Lets the deletions that a run holds happen'],
    ['reject', 'Keeps what a run would have deleted'],
  ] as const)
    app.post(
      `${API}/runs/:id/${action}`,
      {
        config: { access: 'records:write' },
        schema: {
          operationId: `${action}Run`,
          summary: does,
          tags,
          params: IdParams,
          body: ReasonBody,
          response: { 200: Closed({ records: Type.Integer() }) },
        },
      },
      async ({ params, body, caller }) => {
        if (!(await showRun(database, params.id))) throw notFound(`There is no run ${params.id}.`)
        return hub.decideHold(Number(params.id), action === 'approve', actorOf(caller, body))
      },
    )

  app.post(
    `${API}/runs/:id/undo`,
    {
      handlerTimeout: UNDO_MS,
      config: { access: 'records:write', repeat: 'refused' },
      schema: {
        operationId: 'undoRun',
        summary: 'Gives the fields that a run wrote the values they had before',
        description:
          'Only where they still hold what the run wrote; what stays is named in `left` with its reason. With `plan` nothing is written. ' +
          'Works on a paused sync too; answers 409 while the sync is being delivered.',
        tags,
        params: IdParams,
        body: Closed({
          plan: Type.Optional(Type.Boolean({ description: 'Only says what would be done.' })),
          creations: Type.Optional(
            Type.Boolean({
              description:
                'Also deletes what the run created, where the target takes deletions and nothing says that somebody changed it since.',
            }),
          ),
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
        }),
        response: { 200: UndoneAnswer },
      },
    },
    async ({ params, body: { plan = false, creations = false, reason }, caller }, reply) => {
      if (!(await showRun(database, params.id))) throw notFound(`There is no run ${params.id}.`)
      const actor = actorOf(caller, reason === undefined ? undefined : { reason })
      return hub.undoRun(Number(params.id), { plan, creations }, actor, untilGone(reply, UNDO_MS))
    },
  )
}
