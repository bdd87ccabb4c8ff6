import { Type } from 'typebox'
import { isSync, newestRecords, verbatim } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import type { TrialInput } from '../playground.ts'
import { Closed, ListOf, MaybeText, NameParams, paging, Stored, Text, Time } from '../schemas/basics.ts'
import { unknownSync } from '../unknown.ts'
import { untilGone } from '../until-gone.ts'

const tags = ['plans']
/** The sandbox ends a mapping that takes too long well before. */
const TRIAL_MS = 60_000
const SAMPLES = 20

const MappingText = Type.String({ minLength: 1, maxLength: 500_000, description: 'The text of a mapping file.' })
const At = Closed({
  file: Type.String(),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
})
const Finding = Closed({
  severity: Type.Enum(['error', 'warning']),
  code: Type.String(),
  message: Type.String(),
  fix: Type.String(),
  place: At,
})
const Trial = Closed({
  file: Type.String(),
  findings: Type.Array(Finding),
  outcome: Type.Unsafe<'mapped' | 'filtered' | 'failed' | null>({
    enum: ['mapped', 'filtered', 'failed', null],
    description: '`mapped`, `filtered` or `failed`; null where there was no record, or the text is no mapping.',
  }),
  parts: Type.Array(Closed({ part: Type.String(), values: Stored('What the target would be sent.') })),
  input: Stored('The record that was mapped.'),
  joins: Stored('The records that were joined, by the name of the join; null where the mapping joins none.'),
  error: Stored('Why the mapping failed; null when it did not.'),
  origins: Type.Array(
    Closed({
      field: Type.String({ description: 'Path in the target record; empty where one expression makes all of it.' }),
      expression: Type.String(),
      place: At,
      reads: Type.Array(Closed({ path: Type.String(), value: Type.Unknown({ description: 'In the record.' }) })),
    }),
  ),
  tests: Type.Array(Closed({ name: Type.String(), ok: Type.Boolean(), place: At, message: MaybeText })),
})
const Suggestion = Closed({
  label: Type.String(),
  kind: Type.String(),
  detail: Type.String(),
  documentation: Type.Optional(Type.String()),
})

const JsonTextOf = (description: string) => Type.Optional(Type.String({ maxLength: 1_000_000, description }))
/** The record that is mapped, in bodies of requests. */
export const GIVEN = {
  record: Type.Optional(Text('Id of a record of the source, as the hub has it.')),
  input: JsonTextOf('Or a record as JSON text, numbers spelled as they are.'),
  joins: JsonTextOf(
    'Joined records as JSON text of an object, by the names under `with` in the mapping: a record or null, or a list. Without it they come from the ledger.',
  ),
}

/** Undefined where no record is named. */
export function givenIn(body: {
  record?: string | undefined
  input?: string | undefined
  joins?: string | undefined
}): TrialInput | undefined {
  const { record, input, joins } = body
  if (input === undefined && record === undefined) return undefined
  return {
    ...(input === undefined ? { record: record! } : { text: input, id: record ?? 'pasted' }),
    ...(joins === undefined ? {} : { joins }),
  }
}

/** Trying a text of a mapping on a record, without anything being kept or sent. */
export function playgroundRoutes(app: App, { hub, database }: RouteContext): void {
  app.post(
    `${API}/syncs/:name/try`,
    {
      config: { access: 'plans:make', repeat: 'anew', mayAnswer: [409] },
      handlerTimeout: TRIAL_MS,
      schema: {
        operationId: 'tryMapping',
        summary: 'What a text of the mapping makes of one record: findings, output, and which line wrote which value',
        description:
          'Runs in the sandbox, within its bounds of time and memory. Asks no other system, and keeps nothing.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          mapping: Type.Optional(MappingText),
          ...GIVEN,
          tests: Type.Optional(Type.Boolean({ description: 'Runs the tests of the mapping too.' })),
        }),
        response: { 200: Trial },
      },
    },
    async ({ params, body: { mapping, tests, ...rest } }, reply) => {
      const given = givenIn(rest)
      const request = { ...(mapping ? { mapping } : {}), ...(given ? { input: given } : {}), tests: tests ?? false }
      const trial = await hub.tryMapping(params.name, request, untilGone(reply, TRIAL_MS))
      return {
        ...trial,
        parts: trial.parts.map(({ part, values }) => ({ part, values: verbatim(values) })),
        input: verbatim(trial.input),
        joins: verbatim(trial.joins),
        error: verbatim(trial.error && JSON.stringify(trial.error)),
      }
    },
  )

  app.post(
    `${API}/syncs/:name/complete`,
    {
      config: { access: 'plans:make', repeat: 'anew' },
      schema: {
        operationId: 'completeMapping',
        summary: 'What can be written at a place of a mapping: fields of both systems, functions, variables',
        tags,
        params: NameParams('sync'),
        body: Closed({
          mapping: MappingText,
          line: Type.Integer({ minimum: 0, description: 'From 0.' }),
          column: Type.Integer({ minimum: 0, description: 'From 0.' }),
        }),
        response: { 200: ListOf(Suggestion) },
      },
    },
    async ({ params, body }) => ({ items: await hub.completeMapping(params.name, body) }),
  )

  app.get(
    `${API}/syncs/:name/newest-records`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listNewestRecords',
        summary: 'Ids of the records of the source that changed last',
        tags,
        params: NameParams('sync'),
        querystring: Closed({ limit: paging.limit }),
        response: { 200: ListOf(Closed({ id: Type.String(), observedAt: Time })) },
      },
    },
    async ({ params, query }) => {
      if (!(await isSync(database, params.name))) throw unknownSync(hub, params.name)
      return { items: await newestRecords(database, params.name, query.limit ?? SAMPLES) }
    },
  )
}
