import { type Ports, parseLaneJob, pushLane } from '../src/pipeline/index.ts'
import type { FairGate, NearHandler } from '../src/queue/index.ts'

/** A job of kind `push` carries `<sync id>.<lane>`. The gate counts by target: that is where slowness comes from. */
export function pushWorker(ports: Ports, gate: FairGate): NearHandler {
  return async (id, signal, rest) => {
    const { syncId, lane } = parseLaneJob(id)
    const sync = ports.model().sync(syncId)
    let end: 'done' | 'elsewhere' = 'done'
    if (sync)
      await gate.pass(sync.definition.to.connection, id, async (stepOut) => {
        await pushLane(ports, syncId, lane, {
          trigger: 'queue',
          signal,
          rest: (ms) => stepOut(() => rest(ms)),
          onTaken: () => {
            end = 'elsewhere'
          },
        })
      })
    return end
  }
}
