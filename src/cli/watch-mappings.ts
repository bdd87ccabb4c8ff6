import { watch } from 'node:fs'
import { basename } from 'node:path'

/** Editors write a file in several steps. */
const SETTLE_MS = 40

/**
 * Calls back after each edit of YAML below a folder, with what tells a mapping file that the edit touched; until interrupted.
 * A mapping is touched by its own file and by the tests and snapshots beside it; another YAML file touches all.
 */
export async function watchMappings(
  dir: string,
  edited: (touched: (file: string) => boolean) => Promise<void>,
): Promise<void> {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const run = (): void => {
    const stems = new Set([...changed].map(stemOf))
    changed.clear()
    const touched = (file: string): boolean => stems.has(stemOf(file)) || stems.has('causeway')
    running = running.then(() => edited(touched)).catch(() => {})
  }
  const watcher = watch(dir, { recursive: true }, (_event, name) => {
    if (name === null || !/\.ya?ml$/.test(name) || /(^|[\\/])(node_modules|\.git)[\\/]/.test(name)) return
    changed.add(name)
    clearTimeout(timer)
    timer = setTimeout(run, SETTLE_MS)
  })
  await new Promise<void>((resolve) => process.once('SIGINT', resolve))
  clearTimeout(timer)
  watcher.close()
  await running
}

const stemOf = (file: string): string => basename(file).replace(/(\.test)?\.ya?ml$/, '')
