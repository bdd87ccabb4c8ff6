import { type Ports, parseLaneJob, pushLane } from '../src/pipeline/index.ts'
import type { FairGate, WorkHandler } from '../src/queue/index.ts'

/** A job of kind `push` carries `<sync id>.<lane>`. The gate counts by target: that is where slowness comes from. */
export function pushWorker(ports: Ports, gate: FairGate): WorkHandler {
  return async (id, signal) => {
    const { syncId, lane } = parseLaneJob(id)
    const sync = ports.model().sync(syncId)
    if (!sync) return
    await gate.pass(sync.definition.to.connection, id, async () => {
      await pushLane(ports, syncId, lane, { trigger: 'queue', signal })
    })
  }
}
