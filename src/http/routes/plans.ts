import { Type } from 'typebox'
import { CausewayError, type Place } from '../../core/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, Counts, MaybeInteger, MaybeText, NameParams, Text, Time } from '../schemas/basics.ts'
import { untilGone } from '../until-gone.ts'
import { actorOf } from './actor.ts'
import { GIVEN, givenIn } from './playground.ts'

const tags = ['plans']
const MAX_RECORDS = 100_000
const limit = (unlessTold: number) =>
  Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_RECORDS, description: `Records to look at; ${unlessTold} unless told.` }),
  )
const DEFAULT_RECORDS = 10_000
/** A plan asks the target and maps thousands of records; it may take longer than other requests. */
const PLAN_MS = 120_000
/** It also writes. */
const APPLY_MS = 600_000

const MappingText = (description: string) => Type.String({ minLength: 1, maxLength: 500_000, description })
/** A mapping with its tables: 2 MB a table is what the mapping room takes. */
const MAPPINGS_BYTES = 16 * 1024 * 1024
const TableFiles = (description: string) =>
  Type.Record(Type.String({ maxLength: 500 }), Type.String({ maxLength: 2_000_000 }), {
    maxProperties: 50,
    description,
  })
const Value = Type.Unknown({ description: 'Null where there is none.' })

const Change = Closed({
  record: Type.String({ description: 'Id of the source record.' }),
  part: Type.String(),
  seq: Type.Integer(),
  action: Type.String({ description: '`create`, `update`, `upsert`, `delete`, or the state it would rest in.' }),
  target: MaybeText,
  matched: Type.Unsafe<'link' | string[] | null>({
    description: '`link`: delivered before; a list: the fields by which it was found; null: not found.',
  }),
  fields: Type.Array(Closed({ field: Type.String(), before: Value, after: Value })),
  error: Type.Unknown({ description: 'Why it could not be delivered; null when it could.' }),
  fingerprint: Type.String(),
})
const PlanAnswer = Closed({
  sync: Type.String(),
  version: Type.String({ description: 'Of the mapping that was planned.' }),
  records: Type.Integer(),
  actions: Counts('Parts by action.'),
  reads: Type.Integer({ description: 'Look-ups and fetches the plan sent to the target.' }),
  truncated: Type.Boolean({ description: 'True: there are more records than were looked at.' }),
  changes: Type.Array(Change),
})
const BASIS = Type.Optional(
  Type.Union([Type.Literal('delivered'), Type.Literal('target')], {
    description: 'What the changes start from; `target` in what `verify` gives.',
  }),
)
const VerificationAnswer = Closed({
  sync: Type.String(),
  version: Type.String({ description: 'Of the mapping.' }),
  basis: BASIS,
  records: Type.Integer({ description: 'Source records looked at.' }),
  findings: Counts(
    'Parts that are `equal`, `missing` in the target, `stale` (the source moved on), `diverged` (the target holds other than what was ' +
      'delivered), `waiting` for something, `left out` by the mapping, or `unchecked`, because the target gives no single records.',
  ),
  fields: Type.Array(
    Closed({
      field: Type.String(),
      stale: Type.Integer(),
      diverged: Type.Integer(),
      waiting: Type.Integer({
        description: 'Two-way syncs: an edit of the other side is on its way, or a person is asked.',
      }),
      unseen: Type.Integer({
        description: 'Records of which the target does not show the field; nothing is judged by it.',
      }),
      samples: Type.Array(Closed({ record: Type.String(), target: MaybeText, source: Value, there: Value })),
    }),
    { description: 'Fields that differ, the most frequent first.' },
  ),
  extra: Type.Union([
    Closed(
      { read: Type.Integer(), extra: Type.Integer(), samples: Type.Array(Type.String()) },
      {
        description: 'Records of the target that no source record stands for, where that was asked.',
      },
    ),
    Type.Null(),
  ]),
  reads: Type.Integer({ description: 'Look-ups and fetches sent to the target.' }),
  truncated: Type.Boolean({ description: 'True: there are more records than were looked at.' }),
  changes: Type.Array(Change, { description: 'What would make the target equal; apply takes them.' }),
})
const AppliedChange = Closed({
  record: Text('Id of the source record.'),
  part: Type.String(),
  seq: Type.Integer(),
  action: Type.String(),
  target: MaybeText,
  fingerprint: Type.String(),
})
const AppliedAnswer = Closed({
  sync: Type.String(),
  runs: Type.Array(Type.Integer(), { description: 'Runs that wrote, one of each lane.' }),
  states: Counts('Changes by the state they came to rest in.'),
  moved: Type.Array(Closed({ record: Type.String(), part: Type.String(), reason: Type.String() }), {
    description: 'What is not as it was planned.',
  }),
})
const Comparison = Closed({
  records: Type.Integer(),
  same: Type.Integer(),
  changed: Type.Integer(),
  outcomes: Counts('Records that pass, are left out or fail under one of the two only.'),
  fields: Type.Array(
    Closed({
      field: Type.String(),
      count: Type.Integer(),
      samples: Type.Array(Closed({ record: Type.String(), before: Value, after: Value })),
    }),
  ),
  notKept: Type.Integer({
    description: 'Records that could not be compared: neither hub nor source has their bodies (CSW-5018).',
  }),
  truncated: Type.Boolean(),
})

const ExplanationAnswer = Closed({
  stream: Type.String(),
  id: Type.String(),
  entity: Type.String(),
  deliveries: Type.Array(
    Closed({
      sync: Type.String(),
      from: Type.String(),
      record: Type.String(),
      part: Type.String(),
      state: Type.String(),
      mappingVersion: Type.String(),
      runId: MaybeInteger,
      at: Time,
      operation: MaybeText,
      notKept: Type.Unknown({
        description: 'Why values that were read cannot be shown (CSW-5018); null where they can.',
      }),
      fields: Type.Array(
        Closed({
          field: Type.String(),
          value: Value,
          expression: MaybeText,
          place: Type.Unsafe<Place | null>({ description: 'File, line and column of the expression.' }),
          reads: Type.Array(Closed({ path: Type.String(), value: Value })),
        }),
      ),
    }),
  ),
})

export function planRoutes(app: App, { hub }: RouteContext): void {
  app.post(
    `${API}/syncs/:name/plan`,
    {
      handlerTimeout: PLAN_MS,
      bodyLimit: MAPPINGS_BYTES,
      config: { access: 'plans:make', repeat: 'anew' },
      schema: {
        operationId: 'planSync',
        summary: 'What a push would do, per record and field, without writing anything',
        description:
          'Works on the change log as it is and on reads of the target. With `mapping` it shows what another text of the mapping would do.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          records: Type.Optional(
            Type.Array(Text('Id of a source record.'), { maxItems: 10_000, description: 'Only these.' }),
          ),
          limit: limit(DEFAULT_RECORDS),
          all: Type.Optional(Type.Boolean({ description: 'Lists what would stay as it is too.' })),
          mapping: Type.Optional(MappingText('The text of a mapping file to plan instead of the one that runs.')),
          tables: Type.Optional(TableFiles('Texts of its table files by path; of others the running ones count.')),
        }),
        response: { 200: PlanAnswer },
      },
    },
    ({ params, body }, reply) =>
      hub.planSync(
        params.name,
        { ...body, limit: body.limit ?? DEFAULT_RECORDS, all: body.all ?? false },
        untilGone(reply, PLAN_MS),
      ),
  )

  app.post(
    `${API}/syncs/:name/verify`,
    {
      handlerTimeout: PLAN_MS,
      config: { access: 'plans:make', repeat: 'anew' },
      schema: {
        operationId: 'verifySync',
        summary: 'Compares what a sync should have made of its target with what that really holds',
        description:
          'Reads the target record by record, in batches, and writes nothing. What it gives is also a plan: `apply` makes the target equal.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          records: Type.Optional(
            Type.Array(Text('Id of a source record.'), { maxItems: 10_000, description: 'Only these.' }),
          ),
          sample: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 10_000, description: 'So many records chosen by chance.' }),
          ),
          seed: Type.Optional(Text('Chooses them; the same seed chooses the same ones.')),
          extra: Type.Optional(
            Type.Boolean({ description: 'Reads all of the target and counts what no source record stands for.' }),
          ),
          limit: limit(DEFAULT_RECORDS),
        }),
        response: { 200: VerificationAnswer },
      },
    },
    ({ params, body }, reply) =>
      hub.verifySync(
        params.name,
        { ...body, limit: body.limit ?? DEFAULT_RECORDS, extra: body.extra ?? false },
        untilGone(reply, PLAN_MS),
      ),
  )

  app.post(
    `${API}/syncs/:name/apply`,
    {
      handlerTimeout: APPLY_MS,
      config: { access: 'records:write', repeat: 'refused' },
      schema: {
        operationId: 'applyPlan',
        summary: 'Does what a plan says, and nothing where something has moved since',
        description:
          'Every change is planned again first. One that would come out differently is named in `moved`, and then nothing is written. ' +
          'Works on a paused sync too; answers 409 while the sync is being delivered.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          version: Text('Of the mapping, as the plan has it.'),
          basis: BASIS,
          changes: Type.Array(AppliedChange, { minItems: 1, maxItems: 10_000 }),
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
        }),
        response: { 200: AppliedAnswer },
      },
    },
    ({ params, body: { reason, ...plan }, caller }, reply) =>
      hub.applyPlan(
        params.name,
        plan,
        actorOf(caller, reason === undefined ? undefined : { reason }),
        untilGone(reply, APPLY_MS),
      ),
  )

  app.post(
    `${API}/syncs/:name/compare`,
    {
      handlerTimeout: PLAN_MS,
      bodyLimit: MAPPINGS_BYTES,
      config: { access: 'plans:make', repeat: 'anew' },
      schema: {
        operationId: 'compareMapping',
        summary: 'Two texts of a mapping over the recorded inputs: which fields differ, in how many records',
        tags,
        params: NameParams('sync'),
        body: Closed({
          before: Type.Optional(MappingText('The old text; the one that runs, unless given.')),
          after: Type.Optional(MappingText('The new text; the one that runs, unless given.')),
          beforeTables: Type.Optional(
            TableFiles('Texts of table files of `before`; of others the running ones count.'),
          ),
          afterTables: Type.Optional(TableFiles('The same of `after`.')),
          limit: limit(DEFAULT_RECORDS),
        }),
        response: { 200: Comparison },
      },
    },
    ({ params, body }, reply) =>
      hub.compareMapping(params.name, { ...body, limit: body.limit ?? DEFAULT_RECORDS }, untilGone(reply, PLAN_MS)),
  )

  app.post(
    `${API}/syncs/:name/save-test`,
    {
      handlerTimeout: PLAN_MS,
      config: { access: 'plans:make', repeat: 'anew', mayAnswer: [409] },
      schema: {
        operationId: 'saveTest',
        summary: 'A record as a test of the mapping, without its secrets and personal data',
        description:
          'Secrets are masked; texts and long numbers are replaced by others of the same form, the same ones for the same values. ' +
          'Expected is what the mapping makes of those. Nothing is written: the test is for the file beside the mapping.',
        tags,
        params: NameParams('sync'),
        body: Closed({
          ...GIVEN,
          name: Type.Optional(Text('Of the test.')),
          mapping: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 500_000,
              description: 'A text of the mapping that the test is for, instead of the one that runs.',
            }),
          ),
          keep: Type.Optional(
            Type.Array(Text('Name of a field.'), {
              maxItems: 200,
              description: 'Fields whose values may stay as they are; never those of secrets.',
            }),
          ),
        }),
        response: {
          200: Closed({
            sync: Type.String(),
            file: Type.String({ description: 'The mapping file, as the hub calls it.' }),
            name: Type.String(),
            test: Type.String({ description: 'An item of `tests`, in YAML.' }),
            outcome: Type.String({ description: 'Of the record: `mapped`, `filtered`, or the code of its error.' }),
            tested: Type.String({ description: 'The same of the replaced values: what the test expects.' }),
          }),
        },
      },
    },
    ({ params, body: { record, input, joins, ...rest } }, reply) => {
      const given = givenIn({ record, input, joins })
      if (!given) throw new CausewayError('CSW-8003', { what: 'Neither `record` nor `input` is given.' })
      return hub.saveTest(params.name, { ...rest, input: given }, untilGone(reply, PLAN_MS))
    },
  )

  app.get(
    `${API}/explain`,
    {
      config: { access: 'records:read', mayAnswer: [404] },
      schema: {
        operationId: 'explainTarget',
        summary: 'Which source record, run and line of a mapping a value in a target came from',
        tags,
        querystring: Closed({
          stream: Text('`connection:stream` of the target.', 'erp:customers'),
          id: Text('Id of the target record.'),
          field: Type.Optional(Text('Only this field.', 'phone')),
        }),
        response: { 200: ExplanationAnswer },
      },
    },
    async ({ query }) => {
      const found = await hub.explainTarget(query)
      if (!found) throw notFound(`The hub has not written or matched ${query.stream} ${query.id}.`)
      return found
    },
  )
}
