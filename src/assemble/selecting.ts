/** What a selection on the command line means in a hub folder. */
import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CausewayError } from '../core/index.ts'
import { type SyncDefinition, selectSyncs, tableFilesOf } from '../mapping/index.ts'
import { readHubFiles } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { checkingEnvironment } from './samples.ts'

/** The syncs of a hub folder that a selection means. */
export async function selectedSyncs({
  dir,
  select,
}: {
  dir: string
  select: string
}): Promise<{ name: string; file: string }[]> {
  const files = await readHubFiles({ dir, env: await checkingEnvironment(dir, process.env) })
  return (await selectedIn(files, dir, select)).map(({ name, file }) => ({ name, file }))
}

async function selectedIn({ syncs, config }: HubFiles, dir: string, select: string): Promise<SyncDefinition[]> {
  const changed = select.includes('state:') ? await changedFiles(dir) : new Set<string>()
  const stems = new Set([...changed].map(stemOf))
  // As git names files, whatever links lead to the folder.
  const root = realpathSync(dir)
  return selectSyncs(syncs, select, {
    connectorOf: (connection) => config.connections.get(connection)?.connector,
    isModified: ({ file, source }) =>
      stems.has(stemOf(resolve(root, file))) ||
      tableFilesOf(source).some((table) => changed.has(resolve(root, dirname(file), table))),
  })
}

/** A mapping is touched by its own file, by the tests and snapshots beside it, and by its tables. */
const stemOf = (file: string): string => file.replace(/(\.test|\.snapshots)?\.(ya?ml|json)$/, '')

/** Absolute paths of all files that differ from the last commit, new ones among them. */
async function changedFiles(dir: string): Promise<Set<string>> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: dir })).stdout
  try {
    const root = (await git('rev-parse', '--show-toplevel')).trim()
    const listed = await git('status', '--porcelain', '--no-renames', '--untracked-files=all', '-z', '--', '.')
    return new Set(listed.split('\0').flatMap((line) => (line ? [resolve(root, line.slice(3))] : [])))
  } catch (cause) {
    throw new CausewayError('CSW-8020', {
      what: `state:modified compares with the last commit, and ${dir} is in no git repository.`,
      fix: 'Select by name, tag, connection, connector or path.',
      cause,
    })
  }
}
