/** The files of an analytics target: one per table, and none of tables that are not followed any more. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, readPages, type Store } from '../store/index.ts'
import { type TableFormat, writeTable } from '../tabular/index.ts'

/** Names what we wrote into the folder, so that nothing of others is ever taken away. */
const LIST = '.causeway-files.json'
const OURS = /^[a-z0-9_]+\.(csv|parquet)$/

/**
 * Writes each table to a file of its name; gives the paths. What was written before and is not any more (a stream that is no longer kept in
 * full or no longer named, another format) goes: nobody would erase a person from it.
 */
export async function writeFiles(
  pool: Store['pool'],
  tables: readonly Readable[],
  folder: string,
  format: TableFormat,
): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Of writers that died: nobody else writes here now.
  for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true })
  const before = await readList(folder)
  const names = tables.map(({ name }) => `${name}.${format}`)
  await writeList(folder, [...new Set([...before, ...names])])
  for (const [i, table] of tables.entries())
    await writeTable(join(folder, names[i]!), format, { columns: table.columns, pages: readPages(pool, table) })
  for (const name of before) if (!names.includes(name)) await rm(join(folder, name), { force: true })
  await writeList(folder, names)
  return names.map((name) => join(folder, name))
}

async function readList(folder: string): Promise<string[]> {
  try {
    const list: unknown = JSON.parse(await readFile(join(folder, LIST), 'utf8'))
    return Array.isArray(list) ? list.filter((name) => typeof name === 'string' && OURS.test(name)) : []
  } catch {
    return []
  }
}

async function writeList(folder: string, names: readonly string[]): Promise<void> {
  const draft = join(folder, `${LIST}.part`)
  await writeFile(draft, JSON.stringify(names), { mode: 0o600 })
  await rename(draft, join(folder, LIST))
}
