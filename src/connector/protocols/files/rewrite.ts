/** Changes a file as one step: a new file is written beside the old one, flushed, and renamed over it. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises'
import path from 'node:path'
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import type { FileFormat, OutRow, Row } from './format.ts'
import { type FilePlace, fileFailure, fingerprintOf, openFile } from './place.ts'
import { hasBom } from './text.ts'

/** What becomes of each old row, and what comes after them. */
export type Change = {
  /** The row to write instead, the same row to keep it, or null to drop it. Absent: all rows stay (rows are appended). */
  each?: (row: Row) => OutRow | null
  /** Asked after the last old row. */
  append: () => JsonObject[]
  /** Field names the new rows may have; columns a CSV file lacks are added at its end. */
  fields: Iterable<string>
}

const ROWS_PER_CHUNK = 500
const BOM = '\ufeff'

/**
 * Replaces the file by its changed form; the caller holds its lock. Memory does not grow with the file. A crash leaves the
 * old file or the new one, never half of one; a change by somebody who does not know our lock ends with CSW-2055.
 */
export async function rewrite(place: FilePlace, format: FileFormat, change: Change): Promise<void> {
  await removeLeftovers(place)
  const draft = path.join(place.folder, `.${path.basename(place.real)}.tmp-${randomUUID()}`)
  const old = await openFile(place)
  try {
    const before = old && (await fingerprintOf(old))
    await writeDraft(draft, old, place, format, change)
    const found = await openFile(place)
    const now = found && (await fingerprintOf(found))
    await found?.close()
    if (now !== before)
      throw new CausewayError('CSW-2055', {
        what: `File ${JSON.stringify(place.name)} was changed by somebody else meanwhile.`,
      })
    await rename(draft, place.real)
    await flushFolder(place.folder)
  } catch (error) {
    await unlink(draft).catch(() => {})
    throw fileFailure(error, place.name)
  } finally {
    await old?.close()
  }
}

async function writeDraft(
  draft: string,
  old: FileHandle | null,
  place: FilePlace,
  format: FileFormat,
  change: Change,
): Promise<void> {
  const file = old && { handle: old, name: place.name }
  const before = file ? await format.columns(file) : []
  const columns = [...new Set([...(before ?? []), ...change.fields])]
  const writer = format.writer(columns)
  const sameColumns = before === null || columns.length === before.length
  // Appending copies the old bytes without reading them as rows: nothing of them changes.
  const asIs = old !== null && !change.each && sameColumns && (await old.stat()).size > 0
  if (asIs) await copyFile(place.real, draft, constants.COPYFILE_FICLONE)
  const output = await open(draft, asIs ? 'a' : 'wx', old ? (await old.stat()).mode & 0o777 : 0o644)
  try {
    if (asIs) await endLine(old, output)
    else {
      await output.write((old && (await hasBom(old)) ? BOM : '') + writer.head())
      if (file) for await (const chunk of chunks(format.rows(file), change)) await output.write(writer.lines(chunk))
    }
    await output.write(writer.lines(change.append().map((body) => ({ body }))))
    await output.sync()
  } finally {
    await output.close()
  }
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
async function endLine(old: FileHandle, output: FileHandle): Promise<void> {
  const { size } = await old.stat()
  const { buffer } = await old.read(Buffer.alloc(1), 0, 1, size - 1)
  if (buffer[0] !== 0x0a) await output.write('\n')
}

/** Drafts of writers that died: we hold the lock, so nobody is at work on them. */
async function removeLeftovers(place: FilePlace): Promise<void> {
  const prefix = `.${path.basename(place.real)}.tmp-`
  for (const name of await readdir(place.folder))
    if (name.startsWith(prefix)) await unlink(path.join(place.folder, name)).catch(() => {})
}

/** The rename itself must survive a power cut. Not every file system lets a folder be flushed. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
