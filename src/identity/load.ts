import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from '../core/index.ts'
import type { EntityType } from './contract.ts'
import { readEntityType } from './read.ts'

/** Reads all entity files of a folder, if there is one. A file with an error gives findings and no type. */
export async function loadEntities(directory: string): Promise<{ types: EntityType[]; findings: Finding[] }> {
  const types: EntityType[] = []
  const findings: Finding[] = []
  for (const file of existsSync(directory) ? await entityFiles(directory) : []) {
    const { type, findings: found } = readEntityType(await readFile(file, 'utf8'), file)
    findings.push(...found)
    if (!type) continue
    findings.push(...takenBefore(type, types))
    types.push(type)
  }
  return { types, findings }
}

const entityFiles = async (directory: string): Promise<string[]> =>
  (await readdir(directory))
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(directory, name))

/** A record belongs to one entity, so a stream gives records to one type, or to several that say which (`when`). */
function takenBefore(type: EntityType, others: readonly EntityType[]): Finding[] {
  const finding = (message: string, fix: string): Finding => ({
    severity: 'error',
    code: 'CSW-1010',
    message,
    fix,
    place: { file: type.file, line: 1, column: 1 },
  })
  const twin = others.find(({ name }) => name === type.name)
  if (twin)
    return [finding(`the entity "${type.name}" is defined in ${twin.file} already`, 'Give one of them another name.')]
  return type.records.flatMap(({ from, filtered }) => {
    const taken = others.find(({ records }) =>
      records.some(
        (other) =>
          other.from.connection === from.connection &&
          other.from.stream === from.stream &&
          !(filtered && other.filtered),
      ),
    )
    const message = `records of ${from.connection}:${from.stream} belong to the entity "${taken?.name}" (${taken?.file})`
    return taken
      ? [
          finding(
            message,
            'Leave the stream to one of them, or say with "when" in both which records are whose; a timeline may have it as well.',
          ),
        ]
      : []
  })
}
