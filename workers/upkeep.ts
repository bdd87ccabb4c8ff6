import type { WorkHandler } from '../src/queue/index.ts'

/** A job of kind `upkeep` carries the name of a task. An unknown name comes from a newer process and is left to it. */
export function upkeepWorker(tasks: Readonly<Record<string, () => Promise<void>>>): WorkHandler {
  return async (id) => {
    await tasks[id]?.()
  }
}
