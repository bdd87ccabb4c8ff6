/** A vendor's system as its connector sees it, in a two-way sync with another one, and what a merge in it does there. */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Subject } from '../../src/conformance/subject.ts'
import { loadConnectors } from '../../src/connector/index.ts'
import { readDescription, simulate } from '../../src/simulator/index.ts'
import { TestHub } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'
import { pair } from '../pipeline/two-way-hub.ts'

const connectors = join(import.meta.dirname, '../../connectors')

/** The connector at a simulator of its system, with a few records of one stream. */
export async function simulated(name: string, stream: string, count: number) {
  const description = readDescription(join(connectors, name, 'samples/api.yaml'))
  description.collections[stream]!.count = count
  const simulator = simulate(description)
  await simulator.start()
  onTestFinished(() => simulator.stop())
  const subject = await Subject.open(loadConnectors([connectors]), name, simulator)
  return { simulator, subject, table: simulator.table(stream) }
}

/** The same with a hub in between: `fields` pairs those of the stream with those of the other side. */
export async function together(name: string, stream: string, fields: Record<string, string>, count = 5) {
  const system = await simulated(name, stream, count)
  const desk = new MemorySystem().stream('users')
  const vendor = await system.subject.connect()
  const hub = await TestHub.open({ vendor, desk }, pair(`vendor:${stream}`, 'desk:users', fields))
  const sent: string[] = []
  const write = vendor.write.bind(vendor)
  vendor.write = (request) => {
    sent.push(...request.items.map(() => request.operation))
    return write(request)
  }
  const cycle = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await hub.pull(`vendor:${stream}`)
      await hub.pull('desk:users')
      await hub.push('people')
      await hub.push('people~back')
      await hub.skipWaits()
    }
  }
  await cycle()
  /** What was written to either side since it was asked last. */
  const written = () => ({
    vendor: sent.splice(0).sort(),
    desk: desk.journal.splice(0).map(({ operation }) => operation),
  })
  return { ...system, desk, hub, cycle, written }
}
