import { basename } from 'node:path'
import { watchFolder } from '../core/index.ts'

/** Editors write a file in several steps. */
const SETTLE_MS = 40

/**
 * Calls back once, and again after each edit of YAML below a folder, with what tells a mapping file that the edit touched; until
 * interrupted. A mapping is touched by its own file and by the tests and snapshots beside it; the hub file touches all. An edit
 * during the first round is not missed: the folder is watched before it.
 */
export async function watchMappings(
  dir: string,
  round: (touched?: (file: string) => boolean) => Promise<void>,
  failed: (thrown: unknown) => void,
): Promise<void> {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const run = (): void => {
    const stems = new Set([...changed].map(stemOf))
    changed.clear()
    const touched = (file: string): boolean => stems.has(stemOf(file)) || stems.has('causeway')
    running = running.then(() => round(touched)).catch(failed)
  }
  const watcher = watchFolder(dir, (name) => {
    if (!/\.ya?ml$/.test(name)) return
    changed.add(name)
    clearTimeout(timer)
    timer = setTimeout(run, SETTLE_MS)
  })
  running = round().catch(failed)
  await new Promise<void>((resolve) => process.once('SIGINT', resolve))
  clearTimeout(timer)
  watcher.close()
  await running
}

const stemOf = (file: string): string => basename(file).replace(/(\.test)?\.ya?ml$/, '')
