import { type Ports, pullStream } from '../src/pipeline/index.ts'
import type { FairGate, WorkHandler } from '../src/queue/index.ts'

/** A job of kind `pull` carries the id of a stream. Nothing to do, or somebody else at it, is a good end. */
export function pullWorker(ports: Ports, gate: FairGate): WorkHandler {
  return async (id, signal) => {
    const streamId = Number(id)
    const address = ports.model().address(streamId)
    // A stream that the files no longer define: its pull stays asked for and waits for its return.
    if (!address) return
    await gate.pass(address.connection, id, async () => {
      await pullStream(ports, streamId, { trigger: 'queue', signal })
    })
  }
}
