/** Changes a file as one step: a new one is written beside the old one and put in its place. */
import type { JsonObject } from '../../../core/index.ts'
import { refuseIfTooLate } from '../../parts/right-to-send.ts'
import type { FileFormat, OutRow, Row, RowWriter } from './format.ts'
import { type Draft, type FilePlace, fileFailure, type OpenedFile } from './place.ts'
import { hasBom } from './text.ts'

/** What becomes of each old row, and what comes after them. */
export type Change = {
  /** The row to write instead, the same row to keep it, or null to drop it. Absent: all rows stay (rows are appended). */
  each?: (row: Row) => OutRow | null
  /** Asked after the last old row. */
  append: () => JsonObject[]
  /** Asked just before the new file takes the place of the old one. */
  maySend?: (() => boolean) | undefined
  /** Field names the new rows may have; columns a CSV file lacks are added at its end. */
  fields: Iterable<string>
}

const ROWS_PER_CHUNK = 500
const BOM = '\ufeff'

/**
 * Replaces the file by its changed form; the caller is `alone` with it. Memory does not grow with the file. A crash leaves the
 * old file or the new one, never half of one; a change by somebody who does not know our lock ends with CSW-2055.
 */
export async function rewrite(place: FilePlace, format: FileFormat, change: Change): Promise<void> {
  const old = await place.open()
  try {
    const before = old && (await old.fingerprint())
    const file = old && { handle: old, name: place.name }
    const known = file ? await format.columns(file) : []
    const columns = [...new Set([...(known ?? []), ...change.fields])]
    // Appending copies the old bytes without reading them as rows: nothing of them changes.
    const copy = old !== null && !change.each && (known === null || columns.length === known.length) && old.size > 0
    const draft = await place.draft(old, { copy })
    try {
      await writeDraft(draft, { old, copy, name: place.name, format, writer: format.writer(columns) }, change)
      refuseIfTooLate(change.maySend)
      await draft.publish(before)
    } catch (error) {
      await draft.discard()
      throw error
    }
  } catch (error) {
    throw fileFailure(error, place.name)
  } finally {
    await old?.close()
  }
}

type From = { old: OpenedFile | null; copy: boolean; name: string; format: FileFormat; writer: RowWriter }

async function writeDraft(draft: Draft, { old, copy, name, format, writer }: From, change: Change): Promise<void> {
  if (old && copy) await endLine(old, draft)
  else {
    await draft.write((old && (await hasBom(old)) ? BOM : '') + writer.head())
    if (old)
      for await (const chunk of chunks(format.rows({ handle: old, name }), change))
        await draft.write(writer.lines(chunk))
  }
  await draft.write(writer.lines(change.append().map((body) => ({ body }))))
}

async function* chunks(rows: AsyncGenerator<Row>, change: Change): AsyncGenerator<OutRow[]> {
  let chunk: OutRow[] = []
  for await (const row of rows) {
    const out = change.each ? change.each(row) : { kept: row }
    if (out) chunk.push(out)
    if (chunk.length < ROWS_PER_CHUNK) continue
    yield chunk
    chunk = []
  }
  yield chunk
}

/** Many programs leave the last line without its end; a row appended to that would become part of it. */
async function endLine(old: OpenedFile, draft: Draft): Promise<void> {
  const last = Buffer.alloc(1)
  await old.read(last, old.size - 1)
  if (last[0] !== 0x0a) await draft.write('\n')
}
