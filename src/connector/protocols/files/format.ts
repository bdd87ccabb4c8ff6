/** What CSV and JSON lines have in common: rows that are read one after the other, and written again. */
import type { CausewayError, JsonObject } from '../../../core/index.ts'
import type { OpenedFile } from './place.ts'

/** One row; `body` is null where it is no record, with the reason and the text as it stood. `line` is where it ends. */
export type Row =
  | { line: number; body: JsonObject; text: string | null }
  | { line: number; body: null; text: string; error: CausewayError }

export type RowFile = { handle: OpenedFile; name: string }

export interface FileFormat {
  /** Why files of this format are only read; absent where they can be written. */
  readonly readOnly?: string
  /** Rows in file order. Throws CSW-2053 where the rest cannot be understood. */
  rows(file: RowFile): AsyncGenerator<Row>
  /** The columns of a file; null for a format in which every row names its own fields. */
  columns(file: RowFile): Promise<string[] | null>
  /** Why a body does not fit into this format, or null. */
  fault(body: JsonObject): CausewayError | null
  writer(columns: string[]): RowWriter
}

/** A row on its way into the new file: one that stays as it was, or a new or changed body. */
export type OutRow = { kept: Row } | { body: JsonObject }

export interface RowWriter {
  /** What stands before the first row. */
  head(): string
  lines(rows: OutRow[]): string
}
