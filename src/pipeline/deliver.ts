import { Readable } from 'node:stream'
import type {
  ContentReference,
  ContentStream,
  Exchange,
  WriteItem,
  WriteOperation,
  WriteOutcome,
} from '../connector/index.ts'
import { asCausewayError, CausewayError, type JsonObject, type JsonText, traced } from '../core/index.ts'
import { idempotencyKey, keepsCreates } from './decide.ts'
import { CONTENT_MARK } from './diff.ts'
import { CONTENDED_RETRY_MS } from './failures.ts'
import { keepJobs } from './jobs.ts'
import { spareTwins } from './match.ts'
import { sentOf } from './merge-sent.ts'
import { HASHES, type IntentOpen, type IntentRow, keysOf, linkKey } from './ports.ts'
import { settle, statusOfThrown, unknown } from './settle-outcome.ts'
import { sourceFailure } from './source-failure.ts'
import { guardsOf, keysHeld, knownKeys, pairGuards } from './target-keys.ts'
import { refuseTwins } from './twins.ts'
import type { Lane, Settlement, Work } from './work.ts'
import { waitWhileYoung } from './young-targets.ts'

/** Nothing is sent when less than this is left of the lease; a holder that renews in time always has twice as much. */
const SEND_MARGIN_MS = 3_000

/** Commits an intent per write, sends the widest calls, and notes what became of each part. */
export async function deliver(lane: Lane, works: Work[]): Promise<Exchange[]> {
  const writes = works.filter((work) => !work.settlement && work.operation)
  const spared = works.filter(isSpared)
  const unsent = [...(mayBeTakenBack(lane) ? works.filter(isOnlyLinked) : []), ...spared]
  const exchanges: Exchange[] = []
  if (!writes.length && !unsent.length) return exchanges
  const asked = othersKeys(lane, writes)
  const known = await openIntents(lane, [...unsent, ...writes], asked)
  await deferToOthers(lane, asked, known)
  await deferToPartner(lane, writes)
  await spareLinked(lane, writes)
  await spareOnce(lane, spared)
  await deferToTwins(lane, works, asked, known)
  const ready = writes.filter((work) => !work.settlement)
  if (!lane.lease.stillHeld(SEND_MARGIN_MS)) {
    await closeUnsent(lane, [...ready, ...unsent.filter((work) => work.intent)])
    throw new CausewayError('CSW-6004', { what: `the lease "${lane.lease.name}" ends too soon to send` })
  }
  const groups = Map.groupBy(ready, (work) => work.operation!)
  await Promise.all([...groups].map(([operation, group]) => send(lane, operation, group, exchanges)))
  return exchanges
}

/** Stands for a target record that is as it should be: there is nothing to write, and it becomes that of the record all the same. */
const isOnlyLinked = ({ newlyMatched, takenBack, operation, settlement }: Work): boolean =>
  newlyMatched &&
  !takenBack &&
  operation === null &&
  (settlement?.state === 'unchanged' || settlement?.state === 'skipped')

/**
 * Leaves its target record to another one that lives. One that was filtered out lives too, and may leave it to this one in the same moment: so it
 * has an intent as well.
 */
const isSpared = ({ takenBack, record, operation, targetId, settlement }: Work): boolean =>
  takenBack && !record.deleted && operation === null && targetId !== null && settlement?.unlink === 'released'

/**
 * Whether some sync takes records of this target back. Who deletes one that another record was just found to stand for would leave that one
 * without: so both have an intent, and whoever comes second looks again.
 */
const mayBeTakenBack = ({ ports, row }: Lane): boolean =>
  ports
    .model()
    .syncs()
    .some(
      ({ row: { toStream }, definition: { deletes, onLeave } }) =>
        toStream === row.toStream && (TAKES.has(deletes) || TAKES.has(onLeave)),
    )

const TAKES: ReadonlySet<string> = new Set(['delete', 'deactivate'])

/**
 * Of several that have to do with one target record the first goes, and the others look again. Of duplicates that is the one that was linked
 * first: changed alike, the others agree with it then. Last come those that take it back: it stays for the one that was found to stand for it.
 */
const turnOf = ({ operation, takenBack, isTwin }: Work): number =>
  takenBack ? 3 : operation === null ? 0 : isTwin ? 2 : 1

async function openIntents(lane: Lane, works: Work[], asked: AskedKey[]): Promise<KnownKeys> {
  const byKey = new Map<string, Work>()
  const beside: { work: Work; first: Work }[] = []
  const behind: { key: string; work: Work }[] = []
  const natural = await knownKeys(lane, works)
  for (const work of [...works].sort((a, b) => turnOf(a) - turnOf(b))) {
    const [key, ...more] = keysHeld(lane, work, natural)
    const first = byKey.get(key)
    if (first?.operation === null && work.operation === null) beside.push({ work, first })
    else if (first || more.some((one) => byKey.has(one)))
      work.settlement = contended(`another record of this batch writes the same target record`)
    else {
      byKey.set(key, work)
      for (const one of more) {
        byKey.set(one, work)
        behind.push({ key: one, work })
      }
    }
  }
  const keeps = keepsCreates(lane)
  const intents = [...byKey].map(([key, work]) => toIntent(lane, key, work, keeps))
  const byField = [...Map.groupBy(asked, ({ field }) => field)].map(([field, keys]) => ({
    streamId: lane.row.toStream,
    field,
    values: [...new Set(keys.map(({ value }) => value))],
  }))
  const { rows, known } = await lane.ports.ledger.openIntents(lane.lease, intents, byField)
  const opened = new Map(rows.map((row) => [row.targetKey, row]))
  for (const [key, work] of byKey) {
    const row = opened.get(key)
    if (!row) work.settlement = contended(WRITTEN_ELSEWHERE)
    work.intent ??= row
  }
  for (const { work, first } of beside) if (!first.intent) work.settlement = contended(WRITTEN_ELSEWHERE)
  await keepBehind(lane, behind, opened)
  return known
}

const toIntent = (lane: Lane, key: string, work: Work, keeps: boolean): IntentOpen => ({
  targetStream: lane.row.toStream,
  targetKey: key,
  syncId: lane.row.id,
  recordId: work.record.id,
  part: work.part,
  operation: work.operation ?? 'link',
  matchKey: work.matchKey,
  guards: work.operation === 'create' ? guardsOf(lane, work) : pairGuards(lane, work),
  ...(lane.sync.twoWay ? { pairedWith: lane.row.fromStream } : {}),
  ...(lane.sync.twoWay
    ? sentOf(work)
    : work.resend || (keeps && work.operation === 'create')
      ? { sent: (work.resend ?? work.send).toString() }
      : {}),
  sentFrom: lane.row.fromStream,
  idempotencyKey: work.doubt?.idempotencyKey ?? idempotencyKey(work, lane.sync.name),
})

/** Intents beside that of the write: only together they are of use. */
async function keepBehind(
  lane: Lane,
  behind: { key: string; work: Work }[],
  opened: ReadonlyMap<string, IntentRow>,
): Promise<void> {
  for (const { key, work } of behind) {
    const id = opened.get(key)?.id
    if (id !== undefined) work.behind = [...(work.behind ?? []), id]
  }
  const late = [...new Set(behind.map(({ work }) => work))].filter(({ settlement }) => settlement)
  await closeUnsent(lane, late)
  for (const work of late) work.intent = undefined
}

const WRITTEN_ELSEWHERE = 'another sync or lane writes the same target record'

/** Fields that identify a record to other syncs. */
const otherKeys = (lane: Lane, work: Work): string[] =>
  lane.targetKeys.filter((field) => !work.matchKey.some((key) => key.field === field))

/** What was decided on agreed values that the other direction has changed since is decided anew. */
async function deferToPartner(lane: Lane, writes: Work[]): Promise<void> {
  const open = writes.filter((work) => !work.settlement && (work.targetId !== null || work.existing))
  if (!lane.sync.twoWay || !open.length) return
  const ids = open.map((work) => work.record.id)
  const rows = new Map((await lane.ports.ledger.readDeliveries(lane.row.id, ids)).map((row) => [row.recordId, row]))
  const late = open.filter(
    (work) => (rows.get(work.record.id)?.delivered ?? null) !== (work.existing?.delivered ?? null),
  )
  for (const work of late) work.settlement = contended('the other direction of the sync just wrote this pair')
  await closeUnsent(lane, late)
}

type AskedKey = { field: string; value: string; work: Work }
type KnownKeys = Map<string, Map<string, string[]>>

/** By what somebody else may have created a record that this batch is about to create. */
function othersKeys(lane: Lane, writes: Work[]): AskedKey[] {
  const creates = writes.filter((work) => work.operation === 'create' && work.matchKey.length && !work.doubt)
  const upserts = writes.filter((work) => work.operation === 'upsert' && work.targetId === null)
  // Another sync may have created it by another field. That is waited for once; if the record's own key finds nothing then
  // either, what exists is another record to this mapping.
  return [
    ...creates.flatMap((work) => {
      const others = work.existing?.contended ? [] : otherKeys(lane, work)
      return [work.matchKey[0]!, ...keysOf(work.values.value, others)].map((key) => ({ ...key, work }))
    }),
    ...upserts.map((work) => ({ ...work.matchKey[0]!, work })),
  ]
}

/**
 * Between our look-up and our intent somebody else may have created the record and be done with it. `known` is what the ledger
 * had learned when nobody else could begin any more.
 */
async function deferToOthers(lane: Lane, asked: AskedKey[], known: KnownKeys): Promise<void> {
  const late = new Set(
    asked.flatMap(({ field, value, work }) =>
      !work.settlement &&
      work.operation === 'create' &&
      known
        .get(field)
        ?.get(value)
        ?.some((id) => !work.seen.has(id))
        ? [work]
        : [],
    ),
  )
  for (const work of late) work.settlement = contended('another sync or lane just created a record with this match key')
  await closeUnsent(lane, [...late])
}

/** Asked once more while the intents stand: another record may have been linked with a target that is to be taken back. */
async function spareLinked(lane: Lane, writes: Work[]): Promise<void> {
  const open = writes.filter((work) => work.takenBack && !work.settlement)
  await spareTwins(lane, open)
  const spared = open.filter((work) => work.settlement)
  await closeUnsent(lane, spared)
  for (const work of spared) work.intent = undefined
}

/** Asked once more while the intents stand: where the other one has left the target meanwhile, this one is the last. */
async function spareOnce(lane: Lane, spared: Work[]): Promise<void> {
  const open = spared.filter(({ settlement }) => settlement?.unlink)
  if (!open.length) return
  const parts = open.map(({ record, part }) => ({ recordId: record.id, part }))
  const twins = await lane.ports.ledger.findTwins(lane.row.fromStream, parts)
  for (const work of open)
    if (!twins.has(linkKey(work.record.id, work.part)))
      work.settlement = contended('the other record that stood for the same target record has left it too')
}

/** Asked while the intents stand: whoever wrote such a target record before has committed that, and nobody else can begin. */
async function deferToTwins(lane: Lane, works: Work[], asked: AskedKey[], known: KnownKeys): Promise<void> {
  const upserts = new Map(
    asked.flatMap(({ work, field, value }) =>
      work.operation === 'upsert' ? [[work, known.get(field)?.get(value) ?? []] as const] : [],
    ),
  )
  const refused = await refuseTwins(lane, works, { upserts, patience: true })
  const late = works.filter((work) => work.newlyMatched && !work.settlement && agreesAlready(works, work))
  for (const work of late) work.settlement = contended('another record of this batch stands for the same target record')
  await closeUnsent(lane, [...refused, ...late])
  for (const work of [...refused, ...late]) {
    work.operation = null
    work.intent = undefined
  }
}

/** A record of the batch whose values the target holds already comes first, and is linked with the end of the batch. */
const agreesAlready = (works: Work[], { targetId, operation }: Work): boolean =>
  operation !== null &&
  works.some(
    (other) =>
      other.targetId === targetId && other.newlyMatched && !other.takenBack && other.settlement?.state === 'unchanged',
  )

/** Left open, these would look like writes of unknown outcome. One that is open since an earlier attempt is just that. */
async function closeUnsent(lane: Lane, works: Work[]): Promise<void> {
  const ids = works.flatMap(({ intent, behind = [], unfinished }) =>
    [...(intent ? [intent.id] : []), ...behind].filter((id) => !unfinished.some((one) => one.id === id)),
  )
  await lane.ports.ledger.closeIntents(lane.lease, ids)
}

const contended = (what: string): Settlement => ({
  state: 'pending',
  error: new CausewayError('CSW-5007', { what }).toJSON(),
  retryInMs: CONTENDED_RETRY_MS,
})

async function send(lane: Lane, operation: WriteOperation, group: Work[], exchanges: Exchange[]): Promise<void> {
  const byRef = new Map(group.map((work, i) => [`${i}`, work]))
  const works: ReadonlyMap<string, Work> = new Map(byRef)
  const items = [...byRef].map(([ref, work]) => toItem(lane, ref, work))
  let outcomes: WriteOutcome[]
  try {
    outcomes = await traced('write', { attributes: whose(lane, operation, items.length) }, () =>
      lane.target.write({
        stream: lane.sync.to.stream,
        operation,
        items,
        signal: lane.signal,
        // A call that waited for its turn while this process was frozen must not go out over what a successor wrote.
        maySend: () => lane.lease.stillHeld(0),
        onExchange: (exchange) => exchanges.push(exchange),
        onJob: (notes) => keepJobs(lane, works, notes),
      }),
    )
  } catch (thrown) {
    const error = asCausewayError(thrown)
    outcomes = items.map(({ ref }) => ({ ref, status: statusOfThrown(error), error }))
  }
  const absent: Work[] = []
  for (const outcome of outcomes) {
    const work = byRef.get(outcome.ref)
    if (!work) continue
    byRef.delete(outcome.ref)
    work.settlement = settle(work, outcome)
    if (outcome.status === 'missing') absent.push(work)
  }
  for (const work of byRef.values())
    work.settlement = unknown(
      new CausewayError('CSW-3012', { what: 'the connector reported no outcome for this item' }),
    )
  await waitWhileYoung(lane, absent)
}

const whose = (lane: Lane, operation: WriteOperation, records: number) => ({
  'causeway.connection': lane.sync.to.connection,
  'causeway.stream': lane.sync.to.stream,
  'causeway.sync': lane.sync.name,
  'causeway.operation': operation,
  'causeway.records': records,
})

/** A class for its accessor: one in an object literal gives every object a shape of its own, and the engine keeps those. */
class OutgoingItem implements WriteItem {
  readonly ref: string
  readonly text: JsonText
  readonly idempotencyKey: string
  id?: string
  key?: { field: string; value: string }
  ifVersion?: string
  known?: JsonObject
  content?: (from?: number) => Promise<ContentStream>

  constructor(ref: string, text: JsonText, idempotencyKey: string) {
    this.ref = ref
    this.text = text
    this.idempotencyKey = idempotencyKey
  }

  get values(): JsonObject {
    return this.text.value
  }
}

function toItem(lane: Lane, ref: string, work: Work): WriteItem {
  const item = new OutgoingItem(ref, work.send, work.intent!.idempotencyKey)
  const natural = work.operation === 'upsert' ? work.matchKey[0] : undefined
  if (work.targetId !== null) item.id = work.targetId
  if (natural) item.key = natural
  // Somebody may edit the record between our look and our write: what was decided then is decided anew.
  if (work.merge?.condition !== undefined) item.ifVersion = work.merge.condition
  if (work.delivered) item.known = withoutMark(work.delivered.value)
  else if (work.known) item.known = work.known
  const reference = lane.sync.content && work.operation !== 'delete' ? work.record.content : null
  if (reference !== null) item.content = (from) => openContent(lane, reference, from)
  return item
}

async function openContent(lane: Lane, reference: string, from = 0): Promise<ContentStream> {
  try {
    const content = await lane.source.content({
      stream: lane.sync.from.stream,
      reference: JSON.parse(reference) as ContentReference,
      signal: lane.signal,
      from,
    })
    return { ...content, stream: Readable.from(bytesOf(lane, content.stream), { objectMode: false }) }
  } catch (thrown) {
    throw sourceFailure(lane.sync.from.connection, thrown)
  }
}

async function* bytesOf(lane: Lane, stream: Readable): AsyncGenerator<Buffer> {
  const reader = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    for (;;) {
      const step = await reader
        .next()
        .catch((thrown) => Promise.reject(sourceFailure(lane.sync.from.connection, thrown)))
      if (step.done) return
      yield step.value
    }
  } finally {
    stream.destroy()
  }
}

function withoutMark(values: JsonObject): JsonObject {
  if (!Object.hasOwn(values, CONTENT_MARK) && !Object.hasOwn(values, HASHES)) return values
  const { [CONTENT_MARK]: _mark, [HASHES]: _hashes, ...rest } = values
  return rest
}
