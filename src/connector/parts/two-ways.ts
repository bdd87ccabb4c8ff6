/** A stream that is read in two ways (pages and a job, a list and a log of its changes): which a pass takes, and what `read` means on it. */
import type { JsonObject } from '../../core/index.ts'
import type { Scope } from '../language/index.ts'
import { answerScope, type Caller } from './answer.ts'
import { isRemembered } from './change-log.ts'
import { isTrue } from './errors.ts'
import type { Incremental } from './incremental.ts'
import type { ReadJob } from './job-read.ts'
import type { ReadSpec } from './read-fields.ts'
import type { Pass, Way } from './stream-cursor.ts'

type Choosing<R> = {
  read: ReadSpec<R>
  caller: Caller<R>
  settings: JsonObject
  /** The names of the partition, where `for_each` cuts the stream. */
  names: Scope
  /** Where a pass begins that knows nothing yet. */
  initial: string | null
  resumed: boolean
  /** A look at the beginning only, or records that are read anew with each pull: no job is started for that. */
  byPages: boolean
  signal: AbortSignal
}

/** The way of a pass, or null where the stream has one only. A pass that goes on stays on its way. */
export async function wayOf<R>(pass: Pass, choosing: Choosing<R>): Promise<Way | null> {
  const { read, settings, initial, resumed, byPages } = choosing
  const { job, changes } = read
  if (changes) {
    // The list is read to its end before the log is asked, however long that takes.
    if (pass.way) return pass.way
    return pass.since !== null && isRemembered(changes, pass.since, new Date()) ? 'log' : 'list'
  }
  if (job?.for !== 'whole') return null
  if (pass.way) return pass.way
  if (resumed || byPages || pass.since !== initial) return 'pages'
  if (job.when && !isTrue(job.when.evaluate({ settings }))) return 'pages'
  return job.count ? byCount(job, job.count, choosing) : 'job'
}

async function byCount<R>(
  job: ReadJob<R>,
  count: NonNullable<ReadJob<R>['count']>,
  { caller, settings, names, signal }: Choosing<R>,
): Promise<Way> {
  const answer = await caller.call(count, { settings, ...names }, { signal, purpose: 'read' })
  if (answer.failure) throw answer.failure
  const there = Number(count.value.evaluate(answerScope(answer, settings)))
  // A count that is no number is no reason to wait for a job.
  return there > Number(job.above!.evaluate({ settings })) ? 'job' : 'pages'
}

/** What is read, and how, on that way. */
export function readOn<R>(read: ReadSpec<R>, way: Way | null): ReadSpec<R> {
  if (way === null || way === 'list') return read
  if (way === 'log')
    return {
      ...read.changes!,
      fetch_ids: undefined,
      server_cursor: undefined,
      for_each: undefined,
      deletions: undefined,
      changes: read.changes,
    }
  if (way === 'pages') return { ...read, job: undefined }
  const { job, incremental, server_cursor, fetch_ids, for_each, deletions } = read
  // With result files, the request is never sent.
  const request = job!.result ?? read
  return {
    ...request,
    job,
    incremental: incremental && withoutOrder(incremental),
    server_cursor,
    fetch_ids,
    for_each,
    deletions,
  }
}

/** A job gives its records in any order: how far the stream is read is known at the end only, and from when the job began. */
const withoutOrder = (incremental: Incremental): Incremental => ({
  ...incremental,
  ordered: false,
  newest_first: false,
  reanchor: false,
  cap: undefined,
})
