/** `causeway plan --to VERSION`: the files of a version that was kept, read as if they stood in the folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { CausewayError } from '../core/index.ts'
import type { RollBackRequest } from '../http/index.ts'
import { type Api, withQuery } from './api.ts'
import { loadAssembly } from './assembly.ts'
import { type FolderItem, shownVersion, VERSIONS } from './configuration-versions.ts'
import { paint } from './output.ts'
import { printable } from './printable.ts'
import { usageError } from './report-error.ts'

type FileChange = { path: string; change: 'added' | 'changed' | 'removed' }
export type RollBack = RollBackRequest & { changes: FileChange[] }

/** What going back means for the files of the hub, and what they say then. */
export async function planRollBack(api: Api, to: string): Promise<{ rollBack: RollBack; after: FolderItem[] }> {
  const [newest] = (
    JSON.parse(await api.call('GET', withQuery(VERSIONS, { limit: '1' }))) as { items: { version: number }[] }
  ).items
  const wanted = await shownVersion(api, to)
  const inForce = await shownVersion(api, String(newest!.version))
  const masked = wanted.kept.filter((file) => file.masked).map(({ path }) => path)
  if (masked.length > 0)
    throw new CausewayError('CSW-8027', {
      what: `Version ${to} has files with a secret in them: ${masked.join(', ')}.`,
    })
  const [was, is] = [inForce, wanted].map(({ kept }) => new Map(kept.map(({ path, digest }) => [path, digest])))
  const paths = [...new Set([...was!.keys(), ...is!.keys()])].sort()
  const changes = paths.flatMap((path): FileChange[] => {
    if (was!.get(path) === is!.get(path)) return []
    return [{ path, change: !was!.has(path) ? 'added' : is!.has(path) ? 'changed' : 'removed' }]
  })
  const files = paths.map((path) => ({ path, before: was!.get(path) ?? null }))
  const after = await itemsOf(api, wanted.version, [...is!.keys()])
  return { rollBack: { version: wanted.version, files, changes }, after }
}

async function itemsOf(api: Api, version: number, paths: readonly string[]): Promise<FolderItem[]> {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-version-'))
  try {
    for (const path of paths) {
      const file = resolve(dir, path)
      if (!file.startsWith(dir + sep))
        throw usageError(`${path} lies outside the folder of the hub.`, 'Take that version from git.')
      const json = await api.call('GET', withQuery(`${VERSIONS}/${version}/file`, { path }))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, (JSON.parse(json) as { text: string }).text)
    }
    return await (await loadAssembly()).folderConfiguration(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export const rollBackText = ({ version, changes }: RollBack): string =>
  changes.length === 0
    ? `Files: those in force are those of version ${version}.`
    : [
        `Back to version ${version}, files:`,
        ...changes.map(({ path, change }) => `  ${paint('bold', change)} ${printable(path)}`),
      ].join('\n')
