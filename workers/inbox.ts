import { type Ports, readInbox } from '../src/pipeline/index.ts'
import type { WorkHandler } from '../src/queue/index.ts'

/** A job of kind `inbox` carries the id of a connection whose webhooks wait. */
export function inboxWorker(ports: Ports): WorkHandler {
  return async (id, signal) => {
    await readInbox(ports, Number(id), signal)
  }
}
