import type { FinishRequest, JobNote, WriteOperation, WriteOutcome } from '../connector/index.ts'
import { asCausewayError, CausewayError, digest, type JsonObject } from '../core/index.ts'
import { unproven } from './diff.ts'
import { isConnectionFailure } from './failures.ts'
import { type IntentRow, type LinkedTarget, linkKey } from './ports.ts'
import { settle } from './settle-outcome.ts'
import type { Lane, Settlement, Work } from './work.ts'
import { waitWhileYoung } from './young-targets.ts'

/*
 * Writes that the target does in its own time. Which job a write is in is committed before the job is started; whoever comes after a
 * crash, or after a wait that was broken off, waits for that job before anything else is written to these records: an older state
 * must not overtake a newer one, and a create must not be sent twice.
 */

/** The write of an earlier attempt that is in a job whose outcome is not known. */
export const inJob = (work: Work): IntentRow | undefined => work.unfinished.find(({ job }) => job !== null)

/** What tells whether the values are those that went with the job. */
const markOf = (work: Work): string => digest(work.values.toString())

/** Keeps which job the writes are in. It is not started when this fails. */
export async function keepJobs(lane: Lane, works: ReadonlyMap<string, Work>, notes: ReadonlyMap<string, JobNote>) {
  const kept = [...notes].flatMap(([ref, note]) => {
    const work = works.get(ref)
    if (!work?.intent) return []
    return [{ intent: work.intent, job: { note: note as unknown as JsonObject, sent: markOf(work) } }]
  })
  await lane.ports.ledger.noteJobs(
    lane.lease,
    kept.map(({ intent, job }) => ({ intent: intent.id, job })),
  )
  for (const { intent, job } of kept) intent.job = job
}

/** Learns what became of writes that are in jobs. `targets`: by link key. What no job can tell is left to be looked for like any other write in doubt. */
export async function finishJobs(lane: Lane, works: Work[], targets: ReadonlyMap<string, LinkedTarget>): Promise<void> {
  const waiting = works.filter((work) => !work.settlement && inJob(work))
  for (const work of waiting) work.targetId = targets.get(linkKey(work.record.id, work.part))?.id ?? null
  const groups = Map.groupBy(waiting, (work) => inJob(work)!.operation as WriteOperation)
  for (const [operation, group] of groups) {
    const byRef = new Map(group.map((work, i) => [`${i}`, work]))
    const absent: Work[] = []
    for (const outcome of await outcomesOf(lane, operation, byRef)) {
      const work = byRef.get(outcome.ref)
      if (work) work.settlement = settledBy(work, operation, outcome)
      if (work && outcome.status === 'missing') absent.push(work)
    }
    await waitWhileYoung(lane, absent)
  }
}

async function outcomesOf(
  lane: Lane,
  operation: WriteOperation,
  works: ReadonlyMap<string, Work>,
): Promise<WriteOutcome[]> {
  const items = [...works].map(([ref, work]): FinishRequest['items'][number] => {
    const { job } = inJob(work)!
    return { ref, job: job!.note as unknown as JobNote, ...(work.targetId === null ? {} : { id: work.targetId }) }
  })
  try {
    const { signal } = lane
    const maySend = (): boolean => lane.lease.stillHeld(0)
    return (await lane.target.finish?.({ stream: lane.sync.to.stream, operation, items, signal, maySend })) ?? []
  } catch (thrown) {
    const error = asCausewayError(thrown)
    // Neither says anything about the records, and what came before them must not be forgotten over it.
    if (isConnectionFailure(error) || lane.signal.aborted) throw error
    return items.map(({ ref }) => ({ ref, status: 'unknown', error }))
  }
}

/** What a job did stands for the record only where nothing has changed since; otherwise the newer state comes after it. */
function settledBy(work: Work, operation: WriteOperation, outcome: WriteOutcome): Settlement {
  const same = !work.takenBack && inJob(work)!.job!.sent === markOf(work)
  const deleted = operation === 'delete' && work.takenBack
  if (outcome.status === 'unknown') return settle(work, outcome)
  if (same || deleted) {
    work.operation = operation
    return settle(work, outcome)
  }
  const what = 'the record changed while a job of the target had its former state, and is written again'
  const error = new CausewayError('CSW-5007', { what }).toJSON()
  const again: Settlement = { state: 'pending', error, retryInMs: 0, intent: 'close' }
  if (operation === 'delete' && (outcome.status === 'written' || outcome.status === 'missing'))
    return { ...again, unlink: 'gone', delivered: null }
  if (outcome.status !== 'written') return again
  work.operation = operation
  work.targetId = outcome.id
  // What the job wrote is not known here: it counts as delivered, or it could not be taken back, and is written again.
  return { ...again, link: true, delivered: unproven(work) }
}
