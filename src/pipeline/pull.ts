import type { ConnectorSession, Page, SourceRecord } from '../connector/index.ts'
import {
  asCausewayError,
  backoffMs,
  CausewayError,
  digest,
  inRun,
  inSpan,
  inTimes,
  isTracing,
  JsonText,
  joinBytes,
  RunTimes,
  spellAll,
  startSpan,
  takeQueueWait,
  tracedPages,
  withUrgency,
} from '../core/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { carryOutApproved, removeVanished, wantsSecondRead } from './delete-proof.ts'
import { DriftWatch } from './drift.ts'
import { isWait } from './failures.ts'
import { lookahead } from './lookahead.ts'
import { followMoves, markOf } from './moves.ts'
import type { HeldLease, IncomingRecord, PageCommit, Ports, RunCounts, RunOutcome, StreamRow } from './ports.ts'
import { isStorableKey, keysOf } from './ports.ts'
import { DEATHS } from './suspects.ts'
import { wakeFollowers } from './wake-followers.ts'

const PULL_BACKOFF = { baseMs: 5_000, capMs: 15 * 60_000 }
const BEAT_MS = 2_000
/** Pages that come in faster than they are committed are committed together, up to about this many records. */
const COMMIT_RECORDS = 400
/** How long a commit waits for a push that reads what was committed before. */
const CATCH_UP_MS = 200

export type PullResult = { runId: number; outcome: RunOutcome; counts: RunCounts; error: CausewayError | null }

/**
 * Does the pull that was asked for on a stream: reads pages, commits each with its cursor in one transaction, wakes the syncs
 * that follow. Goes on from the last committed page after a crash. Null when there is nothing to do or somebody else does it.
 */
export async function pullStream(
  ports: Ports,
  streamId: number,
  options: { trigger: string; signal: AbortSignal },
): Promise<PullResult | null> {
  const lease = await ports.holdLease(`pull:${streamId}`)
  if (!lease) return null
  try {
    const asked = await ports.ledger.readStream(streamId)
    if (!asked || !(await mayWork(ports, asked.connectionId))) return null
    const approved = await deleteApproved(ports, asked, lease, options.signal)
    if (approved?.error) return approved
    await ports.ledger.beginPull(streamId)
    const stream = (await ports.ledger.readStream(streamId))!
    if (!stream.pullMode) return approved
    const urgency = stream.pullMode === 'full' ? 'backfill' : 'incremental'
    return await withUrgency(urgency, () => runPull(ports, stream, lease, options))
  } finally {
    await lease.release()
  }
}

async function mayWork(ports: Ports, connectionId: number): Promise<boolean> {
  const connection = await ports.ledger.readConnection(connectionId)
  return connection?.state === 'active' && (!connection.waitUntil || connection.waitUntil <= ports.clock.now())
}

async function runPull(
  ports: Ports,
  stream: StreamRow,
  lease: HeldLease,
  options: { trigger: string; signal: AbortSignal },
): Promise<PullResult> {
  const mode = stream.pullMode!
  const times = new RunTimes(takeQueueWait())
  const runId = await ports.ledger.startRun({
    kind: 'pull',
    requestId: stream.pullRequest,
    trigger: options.trigger,
    streamId: stream.id,
    mode,
    agoMs: times.elapsedMs,
  })
  const pull = (): Promise<PullResult> => pullInRun(ports, stream, lease, { ...options, runId, times })
  return traceOfPull(stream, runId, () => inTimes(times, pull))
}

/** A run in a span of its own, which its log lines name. */
async function traceOfPull(stream: StreamRow, runId: number, pull: () => Promise<PullResult>): Promise<PullResult> {
  const attributes = { ...whose(stream), 'causeway.mode': stream.pullMode!, 'causeway.run_id': runId }
  const span = startSpan('pull', { attributes })
  try {
    const result = await inSpan(span, () => inRun(runId, pull))
    span?.note({ 'causeway.records': result.counts.read ?? 0 })
    span?.end(result.error ?? undefined)
    return result
  } catch (error) {
    span?.end(error)
    throw error
  }
}

async function pullInRun(
  ports: Ports,
  stream: StreamRow,
  lease: HeldLease,
  options: { runId: number; times: RunTimes; signal: AbortSignal },
): Promise<PullResult> {
  const { runId, times } = options
  const mode = stream.pullMode!
  const counts: RunCounts = { pages: 0, read: 0, changed: 0, deleted: 0, rejected: 0 }
  ports.wakes.pullBegins(stream.id)
  let error: CausewayError | null = null
  let outcome: RunOutcome = 'success'
  let session: ConnectorSession | undefined
  try {
    if (lease.formerDied) await refuseDeadlyPage(ports, stream, lease, AbortSignal.any([options.signal, lease.signal]))
    session = await ports.session(stream.connection)
    const run = { runId, times, lease, counts, signal: options.signal, total: null, keep: keeper(ports, stream, lease) }
    const { watch, changes } = await DriftWatch.begin(ports, stream, { runId, session, signal: options.signal })
    if (changes) counts.drift = changes
    const reading = Object.assign(run, { watch })
    let complete = await readPages(ports, stream, session, reading)
    if (complete && mode === 'full' && counts.pages! > 0 && (await wantsSecondRead(ports, stream, session, run)))
      complete = await readPages(ports, { ...stream, cursor: null }, session, reading)
    if (!complete) outcome = 'cancelled'
    else {
      if (mode === 'full' && counts.pages! > 0) outcome = await removeVanished(ports, stream, session, run)
      const { againInMs } = await ports.ledger.endPull(stream.id, { mode, request: stream.pullRequest })
      if (lease.formerDied) await ports.ledger.clearSuspect(lease)
      if (againInMs !== null) await ports.queue.wake('pull', String(stream.id), { delayMs: againInMs })
      await ports.ledger.forgetPastWait(stream.connectionId)
      if (outcome === 'success' && counts.rejected) outcome = 'partial'
    }
  } catch (thrown) {
    error = asCausewayError(thrown)
    outcome = isWait(error) ? 'waiting' : 'failed'
    if (options.signal.aborted && error.code !== 'CSW-6001') {
      // Told to stop, and the call under way ended with that: the pull stays asked for.
      error = null
      outcome = 'cancelled'
    } else await noteFailure(ports, stream, error, session)
  } finally {
    ports.wakes.pullEnds(stream.id)
  }
  // Lingering lanes look once more and then end: the pull that fed them is over.
  for (const { row } of ports.model().followers(stream.id)) ports.wakes.notify(row.id)
  if (counts.changed || counts.deleted) await wakeFollowers(ports, stream.id, { now: true })
  await ports.ledger.finishRun(runId, {
    outcome,
    counts,
    times: times.kept(),
    error: outcome === 'waiting' ? null : (error?.toJSON() ?? null),
  })
  return { runId, outcome, counts, error }
}

/** A page that ended its worker over and over is left alone for a while, so that everything else goes on. */
async function refuseDeadlyPage(ports: Ports, stream: StreamRow, lease: HeldLease, signal: AbortSignal): Promise<void> {
  await ports.alone.settled(signal)
  const starts = await ports.ledger.noteSuspect(lease, digest(JSON.stringify([stream.pullMode, stream.cursor])))
  if (starts < DEATHS) return
  const what = `the worker process ended ${starts} times while it read the next page of ${stream.name}`
  throw new CausewayError('CSW-5016', { what })
}

/** What a person approved goes first: a scan that begins now must not hold it again. */
async function deleteApproved(
  ports: Ports,
  stream: StreamRow,
  lease: HeldLease,
  signal: AbortSignal,
): Promise<PullResult | null> {
  const keep = keeper(ports, stream, lease)
  const result = await carryOutApproved(ports, stream, { lease, signal: AbortSignal.any([signal, lease.signal]), keep })
  if (result?.outcome === 'failed') await noteFailure(ports, stream, result.error!)
  if (result?.counts.deleted) await wakeFollowers(ports, stream.id, { now: true })
  return result
}

/** Stores records that were fetched one by one. */
const keeper =
  (ports: Ports, stream: StreamRow, lease: HeldLease) =>
  async (records: SourceRecord[], requestedAt: Date): Promise<void> => {
    const page = { records }
    withoutErased(ports, page, {})
    if (!page.records.length) return
    await ports.ledger.commitPage({ ...toCommit({ ...page, rejected: [], requestedAt }, stream, null), lease })
  }

type PullRun = {
  runId: number
  times: RunTimes
  lease: HeldLease
  counts: RunCounts
  signal: AbortSignal
  total: number | null
  watch: DriftWatch
}

const whose = (stream: StreamRow) => ({ 'causeway.connection': stream.connection, 'causeway.stream': stream.name })

/** Reads and commits pages to the end; false when it was told to stop before. */
async function readPages(ports: Ports, stream: StreamRow, session: ConnectorSession, run: PullRun): Promise<boolean> {
  const signal = AbortSignal.any([run.signal, run.lease.signal])
  const scanning = stream.pullMode === 'full' && session.streams.get(stream.name)?.abilities.deletions === 'scan'
  let lastBeat = ports.clock.monotonic()
  let allNew = stream.seq === 0 && run.counts.pages === 0
  const read = session.read({ stream: stream.name, mode: stream.pullMode!, cursor: stream.cursor, signal })
  const inSpans = isTracing() ? tracedPages(read, { attributes: whose(stream) }) : read
  for await (const pages of lookahead(inSpans, isEnough)) {
    if (signal.aborted) return false
    const isFirst = run.counts.pages === 0
    const erased = pages.flatMap((page) => withoutErased(ports, page, run.counts))
    for (const { records } of pages) {
      const changes = await run.watch.look(records)
      if (changes) run.counts.drift = (run.counts.drift ?? 0) + changes
    }
    const commit = together(pages.map((page) => toCommit(page, stream, run.runId)))
    if (erased.length) commit.alsoSeen = erased
    if (scanning) commit.scanId = stream.scanId
    commit.lease = run.lease
    commit.allNew = allNew
    const moved = await followMoves(ports, stream, session, commit, signal)
    if (moved) run.counts.moved = (run.counts.moved ?? 0) + moved
    const result = await ports.ledger.commitPage(commit)
    allNew = result.allNew
    keepFresh(ports, stream.id, commit.records, result.changed)
    tally(run.counts, pages, commit.rejected.length, result.changed.length)
    run.total = pages.findLast((page) => page.total !== undefined)?.total ?? run.total
    if (result.changed.length) await wakeFollowers(ports, stream.id, { now: isFirst })
    if (ports.clock.monotonic() - lastBeat > BEAT_MS) {
      lastBeat = ports.clock.monotonic()
      await ports.ledger.beatRun(run.runId, run.counts, run.times.kept())
    }
    if (pages.at(-1)!.last) {
      await run.watch.save()
      return true
    }
    await ports.bodies.room(stream.id, CATCH_UP_MS)
    if (!(await mayWork(ports, stream.connectionId))) return false
  }
  if (!signal.aborted && run.counts.pages! > 0)
    throw new CausewayError('CSW-3007', { what: `the read of ${stream.name} ended before its last page` })
  // No page at all: an empty stream, which proves nothing about what was there before.
  return !signal.aborted
}

/** Pages that wait for one commit: as many records as a batch of a push takes. */
const isEnough = (pages: readonly Page[]): boolean =>
  pages.reduce((sum, page) => sum + page.records.length, 0) >= COMMIT_RECORDS

/** Pages that came in a row as one: their newest states, with the cursor behind the last. */
export function together(commits: PageCommit[]): PageCommit {
  const last = commits.at(-1)!
  if (commits.length === 1) return last
  const records = new Map<string, IncomingRecord>()
  for (const record of commits.flatMap((commit) => commit.records))
    if (!isOlder(record, records.get(record.id)) && !wasTrueBefore(record, records.get(record.id)))
      records.set(record.id, record)
  return { ...last, records: [...records.values()], rejected: commits.flatMap((commit) => commit.rejected) }
}

/** Takes out who was erased; gives their ids, because not being stored is not being gone. */
export function withoutErased(ports: Ports, page: Pick<Page, 'records'>, counts: RunCounts): string[] {
  const erased = page.records.filter((record) => !record.deleted && ports.erasures.isErased(record.body))
  if (!erased.length) return []
  page.records = page.records.filter((record) => !erased.includes(record))
  counts.erased = (counts.erased ?? 0) + erased.length
  return erased.map(({ id }) => id).filter(isStorableKey)
}

/** Turns a page of the connector into rows of the change log. */
export function toCommit(
  page: Pick<Page, 'records' | 'rejected' | 'requestedAt'> & { cursor?: Page['cursor'] },
  stream: StreamRow,
  runId: number | null,
): PageCommit {
  const { records, rejected } = soundOf(page)
  return {
    streamId: stream.id,
    records: toRows(records, stream.keyFields, page.requestedAt),
    keyFields: stream.keyFields,
    rejected: rejected.map((rejected) => ({
      body: JSON.stringify(rejected.body),
      error: rejected.error.toJSON(),
      // Two records without an id are told apart by what they hold.
      fingerprint: digest(JSON.stringify(rejected.body)).slice(0, 12),
    })),
    requestedAt: page.requestedAt,
    ...(page.cursor ? { cursor: page.cursor } : {}),
    runId,
  }
}

/** One state per record, the newest, and none that the ledger cannot hold: that would refuse the whole page, for ever. */
function soundOf(page: Pick<Page, 'records' | 'rejected'>): Pick<Page, 'records' | 'rejected'> {
  const records = new Map<string, SourceRecord>()
  const rejected = [...page.rejected]
  for (const record of page.records) {
    if (!isStorableKey(record.id) || record.version?.includes('\0'))
      rejected.push({ body: record.body, error: new CausewayError('CSW-5001', { what: UNSTORABLE }) })
    else if (!isOlder(record, records.get(record.id))) records.set(record.id, record)
  }
  return { records: [...records.values()], rejected }
}

type Versioned = { version: string | null }

const UNSTORABLE = 'an id or version is longer than 1,000 bytes or holds U+0000 or half a surrogate pair'
const isOlder = (record: Versioned, other: Versioned | undefined): boolean =>
  record.version !== null && (other?.version ?? null) !== null && record.version < other!.version!

/** Where versions do not tell, what was true later counts: webhooks need not stand in the order in which they came. */
const wasTrueBefore = (record: IncomingRecord, other: IncomingRecord | undefined): boolean =>
  other !== undefined &&
  (record.version === null || other.version === null || record.version === other.version) &&
  (record.requestedAt?.getTime() ?? 0) < (other.requestedAt?.getTime() ?? 0)

function toRows(records: SourceRecord[], keyFields: readonly string[], requestedAt: Date): IncomingRecord[] {
  const bodies = spellAll(records.map((record) => record.body))
  return records.map((record, i) => ({ ...toRow(record, bodies[i]!, keyFields), requestedAt }))
}

function toRow(record: SourceRecord, body: Buffer, keyFields: readonly string[]): IncomingRecord {
  const content = record.content ? JSON.stringify(record.content) : null
  return {
    id: record.id,
    version: record.version,
    // The content reference counts as part of the record: a file whose bytes changed is a changed record.
    hash: digest(content === null ? body : joinBytes([body, `\n${content}`])),
    body: JsonText.from(body),
    content,
    deleted: record.deleted ?? false,
    keys: record.deleted ? [] : [...(keyFields.length ? keysOf(record.body, keyFields) : []), ...markOf(record)],
    aliases: record.aliases?.filter(isStorableKey) ?? [],
    ...(record.mergedInto !== undefined && isStorableKey(record.mergedInto) ? { mergedInto: record.mergedInto } : {}),
  }
}

export function keepFresh(
  ports: Ports,
  streamId: number,
  records: IncomingRecord[],
  changed: { id: string; seq: number }[],
): void {
  const seqs = new Map(changed.map((row) => [row.id, row.seq]))
  // The bodies of a page are parts of one buffer, and one that is kept keeps all of it.
  const few = changed.length < records.length / 2
  for (const record of records) {
    const seq = seqs.get(record.id)
    if (seq === undefined || record.deleted) continue
    const body = few ? JsonText.from(Buffer.from(record.body.bytes)) : record.body
    ports.bodies.put(streamId, record.id, seq, body)
  }
}

function tally(counts: RunCounts, pages: Page[], rejected: number, changed: number): void {
  const records = pages.flatMap((page) => page.records)
  counts.pages! += pages.length
  counts.read! += records.length
  counts.changed! += changed
  counts.deleted! += records.filter((record) => record.deleted).length
  counts.rejected! += rejected
}

async function noteFailure(
  ports: Ports,
  stream: StreamRow,
  error: CausewayError,
  session?: ConnectorSession,
): Promise<void> {
  // The lease was lost or the ledger is away: the next holder goes on, and nothing can be written anyway.
  if (error.code === 'CSW-6004' || error.code === 'CSW-6001') throw error
  // Refused credentials keep the pull asked for: it goes on as soon as the connection may be used again.
  const refused = error.code === 'CSW-3003'
  // Without a page that went further: since the pull began that may have become none.
  const failures = (await ports.ledger.readStream(stream.id))?.pullFailures ?? 0
  const waitMs = refused ? 0 : (error.retryAfterMs ?? backoffMs(failures + 1, PULL_BACKOFF))
  const retries = refused || error.reaction === 'retry' || error.reaction === 'alert'
  const nextAt = new Date(ports.clock.now().getTime() + waitMs)
  if (isWait(error)) await ports.ledger.putOffPull(stream.id, nextAt)
  else await ports.ledger.failPull(stream.id, error.toJSON(), retries ? nextAt : null)
  await noteConnectionFailure(ports, stream.connectionId, error, waitMs, session)
  if (isWait(error)) return
  ports.log.error({ stream: stream.name, connection: stream.connection, err: error.toJSON() }, 'pull failed')
}
