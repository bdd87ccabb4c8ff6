/** What writing knows of its stream, and a record that is about to be written. */
import type { JsonObject } from '../../core/index.ts'
import type { JobNote, RecordSchema, WriteItem } from '../contract.ts'
import type { Scope } from '../language/index.ts'
import type { Answer, Caller, CallOptions } from './answer.ts'
import type { WriteOperationSpec, WriteSpec } from './write-fields.ts'

export type WriterContext<R> = {
  stream: string
  write: WriteSpec<R>
  caller: Caller<R>
  settings: JsonObject
  concurrent: number
  writeSchema?: RecordSchema | undefined
  /** Keeps secrets that were made out of all that is logged and kept, until the function it gives is called. */
  hide?: (secrets: readonly string[]) => () => void
  /** Turns values into what the protocol sends (typed values of an RPC). */
  encode?: (values: JsonObject) => JsonObject
  /** Whether bodies may hold values as the text they are (`spellWithTexts`). */
  texts?: boolean
  /** Sends an operation whose record has contents. Absent where the protocol has none. */
  sendContent?: (operation: WriteOperationSpec<R>, prepared: Prepared, options: CallOptions) => Promise<Answer>
  /** Ids of the records of the stream that hold the value. */
  idsBy?: (field: string, value: string, signal: AbortSignal) => Promise<string[]>
}

/** A record with everything its expressions may refer to. */
export type Prepared = { item: WriteItem; scope: Scope; index: number; job?: JobNote }
