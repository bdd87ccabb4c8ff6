import type { Row } from '../rig/row.ts'
import { until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'A2',
  title: 'death between the create and its link',
  holds: ['I2', 'I5'],
  promise:
    'A worker that dies right after the target created a record leaves no second record and none without a link.',
  method:
    'The target kills its caller in the moment its 201 is on the wire, over and over. Afterwards each record exists once and is linked.',
  world: { lanes: 1, limits: 'concurrent: 1, timeout_seconds: 5' },
  async run(world, check, { short, kills = short ? 5 : 100 }) {
    const { hub, target, source } = world
    source.fill(kills * 2)
    await hub.serve()
    let worker = await hub.work()
    let killed = 0
    let next = true
    target.mishap = ({ method, path }) => {
      if (!next || killed >= kills || method !== 'POST' || path !== '/customers') return undefined
      next = false
      return { answered: () => worker.signal('SIGKILL') }
    }
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    while (killed < kills) {
      await until('the worker dies after a create', () => worker.isOver || target.creates >= kills * 2, Boolean, 60_000)
      if (!worker.isOver) break
      killed++
      next = true
      worker = await hub.replace(worker)
    }
    check.equal('deaths after a create', killed, kills)
    await world.settle(check, 90_000, { pulls: true })
  },
}
