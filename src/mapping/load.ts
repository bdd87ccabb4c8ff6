import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CausewayError, type Finding } from '../core/index.ts'
import type { SyncDefinition } from './contract.ts'
import { readMapping } from './read.ts'

/**
 * Reads all mapping files below a folder. A file with an error gives findings and no sync; the others are not held back. Tables are
 * read where `tableAt` says that their file is, if it does.
 */
export async function loadMappings(
  directory: string,
  tableAt: (path: string) => string = (path) => path,
): Promise<{ syncs: SyncDefinition[]; findings: Finding[] }> {
  const syncs: SyncDefinition[] = []
  const findings: Finding[] = []
  for (const file of await mappingFiles(directory)) {
    const { mapping, findings: found } = readMapping(await readFile(file, 'utf8'), file, tablesBeside(file, tableAt))
    findings.push(...found)
    if (!mapping) continue
    const { definition, yaml } = mapping
    const twin = syncs.find((sync) => sync.name === definition.name)
    if (!twin) syncs.push(definition, ...(mapping.back ? [mapping.back.definition] : []))
    else
      findings.push({
        severity: 'error',
        code: 'CSW-4005',
        message: `the sync "${definition.name}" is defined in ${twin.file} already`,
        fix: 'Give one of them another name with "sync:".',
        place: yaml.placeOf(['sync']),
      })
  }
  return { syncs, findings }
}

/** Reads tables by their path from the folder of a mapping file. */
export const tablesBeside = (
  file: string,
  tableAt: (path: string) => string = (path) => path,
): { read(path: string): string } => ({
  read: (path) => readFileSync(tableAt(join(dirname(file), path)), 'utf8'),
})

async function mappingFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory, { recursive: true })
    // `*.test.yaml` holds tests of the mapping beside it, `*.table.yaml` a table for it; neither is a sync.
    return names
      .filter((name) => /\.ya?ml$/.test(name) && !/\.(test|table)\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(directory, name))
  } catch (cause) {
    throw new CausewayError('CSW-4005', { what: `The folder of mappings ${directory} cannot be read`, cause })
  }
}
