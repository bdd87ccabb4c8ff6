/** The files that a hub works with, whole, as they are kept with each version of the configuration. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { HUB_FILE, type SecretSources } from '../config/index.ts'
import { digest } from '../core/index.ts'
import { tableFilesOf } from '../mapping/index.ts'
import type { KeptFile } from '../store/index.ts'
import { PACKAGE_FOLDER } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { secretMask } from './secrets-in-files.ts'
import { TablesOf } from './tables-of.ts'

/**
 * Hub file, mappings, their tables, entity files, and the connectors of the folder itself that connections use. Tests and what
 * comes with Causeway are none of it. What is secret in them is masked.
 */
export async function keptFiles(files: HubFiles, sources: SecretSources): Promise<KeptFile[]> {
  const dir = resolve(files.config.folder)
  const read = await Promise.all(
    (await pathsOf(files, dir)).map(async (path) => ({ path, content: await readIfThere(resolve(dir, path)) })),
  )
  const whole = read.flatMap(({ path, content }) => (content ? [{ path, content }] : []))
  const mask = await secretMask(files, sources, whole)
  return whole.map(({ path, content }) => {
    const kept = mask(path, content)
    return { path, content: kept, digest: digest(kept), masked: kept !== content }
  })
}

/** From the hub folder, sorted. */
async function pathsOf({ config, catalogue, syncs, entities }: HubFiles, dir: string): Promise<string[]> {
  const tables = new TablesOf(dir, config)
  const used = new Set([...config.connections.values()].map(({ connector }) => connector))
  const connectors = await Promise.all(
    catalogue
      .list()
      .map((connector) => connector.describe())
      .filter(({ name, file }) => used.has(name) && !resolve(file).startsWith(join(PACKAGE_FOLDER, 'connectors') + sep))
      .map(({ file }) => filesOfConnector(dirname(resolve(file)))),
  )
  const paths = [
    HUB_FILE,
    ...syncs.flatMap((sync) => {
      const file = resolve(dir, sync.file)
      // In an environment another file may stand for a table; the one that it stands for is part of the folder all the same.
      const beside = tableFilesOf(sync.source).map((table) => join(dirname(file), table))
      return [file, ...beside, ...beside.map(tables.at)]
    }),
    ...entities.map(({ file }) => file),
    ...connectors.flat(),
  ]
  return [...new Set(paths.map((path) => relative(dir, resolve(dir, path)).replaceAll('\\', '/')))].sort()
}

/** Manifest and schemas; its samples and cases are for tests. */
async function filesOfConnector(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names
    .filter((name) => name === 'connector.yaml' || (name.endsWith('.json') && !/^(samples|cases)[\\/]/.test(name)))
    .map((name) => join(folder, name))
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
