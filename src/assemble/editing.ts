/** The hub folder as the editor sees it. */
import { resolve } from 'node:path'
import { type EditorProject, type MappingSystems, serveEditor } from '../editor/index.ts'
import { createMappingRunner, type StreamAddress } from '../mapping/index.ts'
import { readHubFiles, streamOf } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { checkingEnvironment } from './samples.ts'

/** Serves the language server protocol on stdin and stdout. A folder whose files cannot be read gives help without schemas. */
export function serveEditorFor(dir: string): void {
  let files: Promise<HubFiles | undefined> | undefined
  const read = async (): Promise<HubFiles | undefined> =>
    readHubFiles({ dir, env: await checkingEnvironment(dir, process.env) }).catch(() => undefined)
  const project: EditorProject = {
    changed: () => {
      files = undefined
    },
    systemsOf: async ({ from, to, joins }): Promise<MappingSystems> => {
      files ??= read()
      const found = await files
      const of = (address: StreamAddress) => found && streamOf(found, address)
      const [source, target] = [of(from), of(to)]
      return {
        ...(source ? { from: source } : {}),
        ...(target ? { to: target } : {}),
        joins: Object.fromEntries(joins.map((join) => [join.name, of(join.from)])),
      }
    },
    syncs: async () => {
      files ??= read()
      return ((await files)?.syncs ?? []).map((sync) => ({ ...sync, file: resolve(dir, sync.file) }))
    },
    runner: createMappingRunner(),
  }
  serveEditor(project)
}
