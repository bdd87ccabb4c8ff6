/** Tables as files. */
import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import type { TableContent } from './contract.ts'

export type TableFormat = 'parquet' | 'csv'

/** Writes a table to `path`: under another name first, so that a reader finds the old file or the whole new one. */
export async function writeTable(path: string, format: TableFormat, content: TableContent): Promise<void> {
  const draft = `${path}.${randomUUID()}.part`
  try {
    // Records of people: for the owner only, from the first byte on.
    await writeFile(draft, '', { mode: 0o600, flag: 'wx' })
    // Each is loaded when it is first asked for: most hubs write no files.
    if (format === 'csv') await (await import('./csv.ts')).writeCsv(draft, content)
    else await (await import('./parquet.ts')).writeParquet(draft, content)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
