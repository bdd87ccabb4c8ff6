import { type Ports, readInbox } from '../src/pipeline/index.ts'
import type { NearHandler } from '../src/queue/index.ts'

/** A job of kind `inbox` carries the id of a connection whose webhooks wait. */
export function inboxWorker(ports: Ports): NearHandler {
  return async (id, signal, rest) => {
    const result = await readInbox(ports, Number(id), signal, rest)
    return result === 'elsewhere' ? 'elsewhere' : 'done'
  }
}
