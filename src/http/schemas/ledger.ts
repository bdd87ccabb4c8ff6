/** The shapes of what the ledger's views give. */
import { Type } from 'typebox'
import { type DEAD_LETTER_STATES, RUN_OUTCOMES } from '../../store/views/index.ts'
import { Closed, Counts, MaybeInteger, MaybeNumber, MaybeText, MaybeTime, Stored, Time } from './basics.ts'

const StoredError = Stored(
  'The error as JSON: code, what, why, fix, place; null when there was none. Without the scope `records:read` what a system or record said is ' +
    'left out, and `withheld` names that scope.',
)
const State = <const T extends string[]>(states: T) => Type.Unsafe<T[number]>({ enum: states })
export const RunKind = State(['pull', 'push', 'inbox'])

export const Connection = Closed({
  name: Type.String(),
  connector: Type.String(),
  state: State(['active', 'paused', 'needs_authorisation', 'removed']),
  stateReason: MaybeText,
  stateSince: Time,
  waitUntil: MaybeTime,
  waitReason: MaybeText,
  breaker: State(['closed', 'open', 'half-open']),
  breakerUntil: MaybeTime,
  breakerReason: MaybeText,
  maxPerSecond: MaybeNumber,
  streams: Type.Integer(),
  lastPullSuccessAt: MaybeTime,
  lastPushSuccessAt: MaybeTime,
  openDeadLetters: Type.Integer(),
})

const stream = {
  address: Type.String({ description: '`connection:stream`, as mapping files write it.' }),
  connection: Type.String(),
  name: Type.String(),
  seq: Type.Integer({ description: 'Last sequence number of the change log of this stream.' }),
  cursor: Stored('Where the next pull goes on; opaque. Null without the scope `records:read`.'),
  cursorAt: MaybeTime,
  keyFields: Type.Array(Type.String()),
  pullMode: Type.Unsafe<'full' | 'incremental' | null>({ enum: ['full', 'incremental', null] }),
  nextPullAt: MaybeTime,
  pullFailures: Type.Integer(),
  lastError: StoredError,
  lastPullAt: MaybeTime,
  lastSuccessAt: MaybeTime,
}
export const Stream = Closed(stream)
export const StreamDetail = Closed({
  ...stream,
  records: Closed({
    live: Type.Integer(),
    deleted: Type.Integer(),
    estimated: Type.Boolean({ description: 'More than two million: told from a sample, to two digits.' }),
  }),
})

export const Sync = {
  name: Type.String(),
  from: Type.String(),
  to: Type.String(),
  version: Type.String({ description: 'Digest of everything in the mapping file that can change a result.' }),
  state: State(['active', 'paused', 'removed']),
  stateReason: MaybeText,
  stateSince: Time,
  lastError: StoredError,
  lastPushAt: MaybeTime,
  lastSuccessAt: MaybeTime,
  openDeadLetters: Type.Integer(),
  lastRun: Type.Union([
    Closed({ id: Type.Integer(), outcome: Type.String(), startedAt: Time, finishedAt: MaybeTime }),
    Type.Null(),
  ]),
}

export const Outcome = Type.Unsafe<(typeof RUN_OUTCOMES)[number]>({ enum: [...RUN_OUTCOMES] })
const Ms = Type.Integer({ minimum: 0 })
const RunTimes = Closed(
  {
    queue: Type.Integer({ minimum: 0, description: 'Waited in the queue before the run began.' }),
    limits: Type.Integer({ minimum: 0, description: 'Nothing was under way but calls that wait for limits.' }),
    remote: Type.Integer({
      minimum: 0,
      description: 'The other side: calls, and what reads and writes do around them.',
    }),
    mapping: Ms,
    storing: Type.Integer({ minimum: 0, description: 'The ledger.' }),
    other: Type.Integer({ minimum: 0, description: 'The rest of the duration.' }),
    total: Type.Integer({ minimum: 0, description: 'The sum of all others.' }),
  },
  {
    description:
      'Milliseconds by what they went to. Where things overlap, a moment counts once: for a call before a wait for limits before mapping before the ledger.',
  },
)

export const Run = Closed({
  id: Type.Integer(),
  kind: RunKind,
  requestId: MaybeText,
  trigger: Type.String(),
  stream: MaybeText,
  sync: MaybeText,
  lane: MaybeInteger,
  mode: MaybeText,
  mappingVersion: MaybeText,
  startedAt: Time,
  heartbeatAt: Time,
  finishedAt: MaybeTime,
  outcome: Outcome,
  counts: Stored('Numbers by name, e.g. {"read": 2000, "changed": 12}.'),
  times: Type.Union([RunTimes, Type.Null()], { description: 'Null for runs of before times were kept.' }),
  error: StoredError,
})

export const Hold = Closed({
  runId: Type.Integer({ description: 'The run that held; its number approves or rejects.' }),
  kind: State(['scan', 'push']),
  reason: Type.String({
    description: '`share`, `empty`, `total`, `rejected` or `alive`: what was missing as a proof.',
  }),
  records: Type.Integer({ description: 'Records that would be deleted.' }),
  live: Type.Integer({ description: 'Records there were.' }),
  state: State(['open', 'approved', 'done', 'rejected', 'superseded']),
  actor: MaybeText,
  note: MaybeText,
  createdAt: Time,
  decidedAt: MaybeTime,
  sample: Type.Array(Type.String()),
})

export const Conflict = Closed({
  id: Type.Integer(),
  sync: Type.String(),
  fromId: Type.String({ description: 'Record on the side under `from`.' }),
  toId: Type.String({ description: 'Record on the side under `to`.' }),
  field: Type.String({ description: 'Field of `to`, with the path inside it.' }),
  side: State(['from', 'to']),
  agreedValue: Stored('The value that both sides last agreed on; null for none.'),
  fromValue: Stored('The value of the side under `from`.'),
  toValue: Stored('The value of the side under `to`.'),
  state: State(['open', 'decided', 'settled']),
  decision: Type.Union([State(['from', 'to', 'value']), Type.Null()]),
  decidedValue: Stored('The value that a person decided on for both sides.'),
  actor: MaybeText,
  note: MaybeText,
  foundAt: Time,
  closedAt: MaybeTime,
})

export const Drift = Closed({
  id: Type.Integer(),
  stream: Type.String(),
  runId: MaybeInteger,
  foundAt: Time,
  state: State(['open', 'accepted']),
  actor: MaybeText,
  closedAt: MaybeTime,
  changes: Type.Array(
    Closed({
      kind: State(['new', 'vanished', 'type']),
      field: Type.String({ description: 'Dotted path in the records of the stream.' }),
      before: Type.Array(Type.String(), { description: 'Types it had.' }),
      after: Type.Array(Type.String(), { description: 'Types it has now and had not before.' }),
      by: State(['records', 'schema']),
      touches: Type.Array(
        Closed({
          sync: Type.String(),
          key: Type.String({ description: 'Where in the mapping file: `map.email`.' }),
          expression: Type.String(),
          place: Closed({
            file: Type.String(),
            line: Type.Optional(Type.Integer()),
            column: Type.Optional(Type.Integer()),
          }),
        }),
        { description: 'Lines of mappings that read the field.' },
      ),
    }),
  ),
})

export const FoundRecord = Closed({
  stream: Type.String(),
  id: Type.String(),
  matched: Type.String({ description: '`id`, `link`, or the name of the field that has the value.' }),
  deleted: Type.Unsafe<boolean | null>({ type: ['boolean', 'null'] }),
  observedAt: MaybeTime,
  deliveries: Counts('Its deliveries by state.'),
})

const Delivery = Closed({
  sync: Type.String(),
  to: Type.String(),
  part: Type.String(),
  state: Type.String(),
  sourceSeq: Type.Integer(),
  delivered: Stored('The values the target is known to hold from us.'),
  attempts: Type.Integer(),
  nextAttemptAt: MaybeTime,
  error: StoredError,
  waitsFor: Type.Union([Closed({ stream: Type.String(), id: Type.String() }), Type.Null()]),
  mappingVersion: Type.String(),
  runId: MaybeInteger,
  updatedAt: Time,
})
const Link = Closed({
  stream: Type.String(),
  id: Type.String(),
  part: Type.String(),
  alias: Type.Boolean(),
  entity: Type.String(),
  createdAt: Time,
})
const JournalEntry = Closed({
  at: Time,
  kind: Type.String(),
  stream: MaybeText,
  sync: MaybeText,
  runId: MaybeInteger,
  mappingVersion: MaybeText,
  part: Type.String(),
  seq: Type.Integer(),
  outcome: Type.String(),
  operation: MaybeText,
  target: MaybeText,
  input: Stored('The source record at that time.'),
  output: Type.Unknown({ description: 'What the mapping gave.' }),
  before: Type.Unknown({ description: 'What the target held before.' }),
  error: Type.Unknown(),
})
const LogState = Closed({
  version: MaybeText,
  seq: Type.Integer(),
  slice: Type.Integer(),
  hash: Type.String(),
  deleted: Type.Boolean(),
  firstSeenAt: Time,
  observedAt: Time,
  body: Stored('As received, numbers spelled as the source spelled them; null after retention.'),
  content: Stored('Where the bytes of a file record are.'),
})
export const Record = Closed({
  stream: Type.String(),
  id: Type.String(),
  log: Type.Union([LogState, Type.Null()]),
  deliveries: Type.Array(Delivery),
  links: Type.Array(Link),
  deadLetters: Type.Array(
    Closed({ id: Type.Integer(), sync: MaybeText, code: Type.String(), state: Type.String(), createdAt: Time }),
  ),
  journal: Type.Array(JournalEntry),
})

const deadLetter = {
  id: Type.Integer(),
  kind: RunKind,
  connection: MaybeText,
  stream: MaybeText,
  sync: MaybeText,
  recordId: MaybeText,
  part: MaybeText,
  code: Type.String(),
  fingerprint: Type.String(),
  error: StoredError,
  attempts: Type.Integer(),
  mappingVersion: MaybeText,
  runId: MaybeInteger,
  state: Type.Unsafe<(typeof DEAD_LETTER_STATES)[number]>({ enum: ['open', 'requeued', 'resolved', 'discarded'] }),
  reason: MaybeText,
  actor: MaybeText,
  assignee: MaybeText,
  note: MaybeText,
  createdAt: Time,
  closedAt: MaybeTime,
}
export const DeadLetter = Closed(deadLetter)
export const DeadLetterDetail = Closed({
  ...deadLetter,
  sourceSeq: MaybeInteger,
  input: Stored('The source record as it was when it failed.'),
  output: Stored('What the mapping gave.'),
  exchange: Stored('The call to the target and its answer, redacted.'),
})

export const ProblemGroup = Closed({
  code: Type.String(),
  fingerprint: Type.String(),
  status: State(['dead', 'retrying', 'failing', 'parked', 'drift']),
  connection: MaybeText,
  connector: MaybeText,
  causeClass: State(['config', 'credential', 'quota', 'remote-down', 'data', 'mapping', 'hub']),
  meaning: Type.String(),
  action: Type.String(),
  count: Type.Integer(),
  firstSeenAt: Time,
  lastSeenAt: Time,
  syncs: Type.Array(Type.String()),
  streams: Type.Array(Type.String()),
  sample: MaybeInteger,
})

export const Queue = Closed({
  connection: Type.String(),
  kind: RunKind,
  waiting: Type.Integer(),
  waitingCapped: Type.Boolean({ description: 'True: there is at least this much waiting.' }),
  bySync: Counts('Of `waiting`, what belongs to which sync; empty for other kinds than push.'),
  delayed: Type.Integer(),
  active: Type.Integer(),
  oldestWaitingAt: MaybeTime,
  oldestAgeSeconds: MaybeInteger,
  paused: Type.Boolean(),
  pauseReason: MaybeText,
  throttlePerSecond: MaybeNumber,
  waitUntil: MaybeTime,
  waitReason: MaybeText,
})

export const RequestProgress = Closed({
  requestId: Type.String(),
  sync: Type.String(),
  state: State(['waiting', 'running', 'finished']),
  outcome: MaybeText,
  blocked: MaybeText,
  remaining: Type.Integer({ description: 'What waits for the push, counted up to 20,000.' }),
  counts: Type.Unsafe<globalThis.Record<string, globalThis.Record<string, number>>>({
    type: 'object',
    additionalProperties: { type: 'object', additionalProperties: { type: 'number' } },
  }),
  error: StoredError,
})
