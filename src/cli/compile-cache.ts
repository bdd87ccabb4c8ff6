import { flushCompileCache } from 'node:module'

/**
 * Keeps what was compiled, for the next start. By itself Node does so when a process ends, which one that is killed never does: a
 * worker that is killed over and over would take three times as long to start each time. Waits for the moment's work.
 */
export function keepCompiled(): void {
  setImmediate(flushCompileCache)
}
