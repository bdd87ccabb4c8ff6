/** What going back to a version of the configuration means: its files are read as if they stood in the hub folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import type { Environment } from '../config/index.ts'
import { CausewayError } from '../core/index.ts'
import type { ConfigurationChange, MappingEffect, PlannedItem, RollBackPlan } from '../http/index.ts'
import type { Ports } from '../pipeline/index.ts'
import { type KeptFile, latestVersion, namedChanges, readKeptFiles, type Store } from '../store/index.ts'
import { showConfiguration } from '../store/views/index.ts'
import { folderConfiguration } from './configuration.ts'
import { configurationPlan } from './configuration-plan.ts'
import { compare } from './planning.ts'

type Parts = { pool: Store['pool']; env: Environment; ports: Ports }
type FolderItem = Awaited<ReturnType<typeof folderConfiguration>>[number]

/** Throws CSW-8027 where a secret stood in a file, and the first error in the files as they stood. */
export async function planRollBack(
  { pool, env, ports }: Parts,
  version: number,
  records: number,
  signal: AbortSignal,
): Promise<RollBackPlan> {
  const wanted = await readKeptFiles(pool, version)
  demandWhole(version, wanted)
  const inForce = (await latestVersion(pool))!.id
  const current = await readKeptFiles(pool, inForce)
  const [was, is] = [current, wanted].map((files) => new Map(files.map((file) => [file.path, file.digest])))
  const [before, after] = [await showConfiguration(pool), await itemsOf(wanted, env)]
  const plan = configurationPlan(before, after)
  for (const change of plan.configuration) {
    const same = ({ kind, name }: PlannedItem): boolean => kind === change.kind && name === change.name
    const effect = await effectOf(ports, change, [before.find(same), after.find(same)], records, signal)
    if (effect) change.effect = effect
  }
  return {
    ...plan,
    rollBack: {
      version,
      inForce,
      files: [...new Set([...was!.keys(), ...is!.keys()])].sort().map((path) => ({
        path,
        before: was!.get(path) ?? null,
      })),
      changes: namedChanges(was!, is!).map(({ name: path, change }) => ({ path, change })),
    },
  }
}

/** What is kept of a file with a secret in it is not the file. */
export function demandWhole(version: number, files: readonly KeptFile[]): void {
  const masked = files.filter((file) => file.masked).map(({ path }) => path)
  if (masked.length > 0)
    throw new CausewayError('CSW-8027', {
      what: `Version ${version} has files with a secret in them: ${masked.join(', ')}.`,
    })
}

async function itemsOf(files: readonly KeptFile[], env: Environment): Promise<FolderItem[]> {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-version-'))
  try {
    for (const { path, content } of files) {
      const file = resolve(dir, path)
      if (!file.startsWith(dir + sep))
        throw new CausewayError('CSW-8028', { what: `${path} lies outside the folder of the hub.` })
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
    }
    return await folderConfiguration(dir, env)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Counts only: who may read the configuration may not see values of records for that. */
async function effectOf(
  ports: Ports,
  { kind, name, change, fields }: ConfigurationChange,
  [was, is]: [PlannedItem | undefined, FolderItem | undefined],
  limit: number,
  signal: AbortSignal,
): Promise<MappingEffect | undefined> {
  const changed = new Set(fields.map(({ field }) => field))
  if (kind !== 'sync' || change !== 'changed' || !changed.has('mapping')) return undefined
  if (changed.has('from') || changed.has('to') || !was?.source || !is?.source) return undefined
  if (!ports.model().syncByName(name)) return undefined
  const tables = is.tables ? { afterTables: is.tables } : {}
  const effect = await compare(ports, name, { before: was.source, after: is.source, ...tables, limit }, signal)
  return { ...effect, fields: effect.fields.map(({ field, count }) => ({ field, count })) }
}
