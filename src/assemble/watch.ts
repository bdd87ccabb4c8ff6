import { watch } from 'node:fs'
import { resolve } from 'node:path'
import { HUB_FILE } from '../config/index.ts'
import { asCausewayError, formatPlace, hasErrors, type Logger, watchFolder } from '../core/index.ts'
import type { HubFiles } from './hub-files.ts'

/** Editors write a file in several steps; half of one must not be read. */
const SETTLE_MS = 150

/** Reads the hub's files again after each edit. Files with errors are reported and leave the running ones in force. */
export function watchFiles(files: HubFiles, reload: () => Promise<HubFiles>, log: Logger): { close(): void } {
  const { folder, settings } = files.config
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const changed = (name: string): void => {
    if (!/\.(ya?ml|json|csv)$/.test(name)) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      running = running.then(() => reloadAndTell(reload, log))
    }, SETTLE_MS)
  }
  const watchers = [
    watch(folder, (_event, name) => (name === HUB_FILE ? changed(name) : undefined)),
    watchFolder(resolve(folder, settings.mappings_dir), changed),
    watchFolder(resolve(folder, settings.connectors_dir), changed),
    watchFolder(resolve(folder, settings.entities_dir), changed),
  ]
  return {
    close: () => {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}

async function reloadAndTell(reload: () => Promise<HubFiles>, log: Logger): Promise<void> {
  try {
    const { blocking: findings } = await reload()
    for (const finding of findings) {
      const fields = { code: finding.code, place: formatPlace(finding.place), fix: finding.fix }
      if (finding.severity === 'error') log.error(fields, finding.message)
      else log.warn(fields, finding.message)
    }
    if (hasErrors(findings)) log.error({}, 'the files have errors; what ran before goes on')
    else log.info({}, 'files read again')
  } catch (thrown) {
    log.error({ err: asCausewayError(thrown).toJSON() }, 'the files could not be read again; what ran before goes on')
  }
}
