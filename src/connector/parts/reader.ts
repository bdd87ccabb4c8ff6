/** What reading knows of its stream. */
import type { JsonObject } from '../../core/index.ts'
import type { Scope } from '../language/index.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import type { Caller } from './answer.ts'
import type { Partition } from './for-each.ts'
import type { Download } from './job-read.ts'
import type { FetchSpec } from './lookup.ts'
import type { NestedSpec } from './nested.ts'
import type { positionScope } from './paging.ts'
import type { ReadSpec } from './read-fields.ts'

export type ReaderContext<R> = {
  stream: StreamSpec<unknown>
  read: ReadSpec<R>
  fetch?: FetchSpec<R> | undefined
  caller: Caller<R>
  settings: JsonObject
  concurrent: number
  /** Opens a result file of a job. */
  download?: Download
  /** Lists inside the records that come cut off. */
  nested?: readonly NestedSpec<R>[] | undefined
  /** The part of the stream that is read, where `for_each` cuts it. */
  partition?: Partition
  /** Told of each answer that has records, before its page is handed out. */
  onAnswer?: (scope: Scope) => void
  /** Raises `MarkExpired` where the mark of the last read is too old, instead of reading everything. */
  atExpiry?: 'throw'
  /** No job is started where there are pages too. */
  byPages?: boolean
}

/** The system knows the mark no more from which changes were to be read. */
export class MarkExpired extends Error {}

/** The names of one question, and the address it goes to where that is not the request's own. */
export type Asked = Scope & ReturnType<typeof positionScope>
