import { loadAssembly } from './assembly.ts'
import { usageError } from './report-error.ts'

/** The option of every command that works on syncs. */
export const SELECT = [
  '--select <what>',
  'syncs by name, tag:, connection:, connector:, path:, state:modified; +x with what feeds it, x+ with what it feeds',
] as const

/** Paths given as they are, or the files of selected syncs. */
export async function chosenPaths(dir: string, paths: string[], select: string | undefined): Promise<string[]> {
  if (select === undefined) return paths
  if (paths.length > 0) throw usageError('Paths and --select exclude each other.', 'Write --select "path:…".')
  const { selectedSyncs } = await loadAssembly()
  const files = (await selectedSyncs({ dir, select })).map(({ file }) => file)
  // Nothing selected must not mean everything.
  return files.length > 0 ? files : ['.causeway/nothing-selected']
}

/** One sync by its name, or those of a selection. */
export async function chosenSyncs(
  dir: string,
  name: string | undefined,
  select: string | undefined,
): Promise<string[]> {
  if ((name === undefined) === (select === undefined))
    throw usageError('Name one sync, or choose with --select.', 'See `causeway syncs list`.')
  if (name !== undefined) return [name]
  return (await (await loadAssembly()).selectedSyncs({ dir, select: select! })).map((sync) => sync.name)
}
