/**
 * Does work grow with workers? One `serve` and 1, 2 and 4 workers, each in a network of its own where the system allows it, between
 * many systems that take 50 ms a call. Each worker has a fixed number of calls under way (`pull_concurrency`, `push_concurrency`), so
 * that four of them fit beside Postgres on two cores. Ends with 1 where two workers do less than 1.8 times, or four less than 3.2
 * times, what one does.
 *
 *   node test/scale/main.ts [--short] [--backend postgres]
 *   node test/scale/main.ts --records 10000000 [--delivered 10000000] [--batch 10000] [--memory 4GB] [--warm 12GB]    a large log against a small one
 *   node test/scale/main.ts --rest 500    what a hub in which nothing happens costs, with 16 syncs and with so many
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { sharedBuffers } from '../../src/store/embedded/settings.ts'
import { Judge } from '../bench/judge.ts'
import { redisMissing } from '../faults/rig/redis.ts'
import type { Backend } from '../faults/rig/world.ts'
import { printRest } from './at-rest.ts'
import { judgeLargeLog } from './large-log.ts'
import { Machines } from './machines.ts'
import { ManyHub, type Round } from './many-hub.ts'

/** Times what one worker does. */
const BARS = new Map([
  [2, 1.8],
  [4, 3.2],
])
/** Where other programs take more than this share of the processors, four workers do not fit beside them, and a miss proves nothing. */
const MOST_OF_OTHERS = 0.35
const KINDS = ['pull', 'push', 'webhook'] as const

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    backend: { type: 'string' },
    records: { type: 'string' },
    delivered: { type: 'string' },
    batch: { type: 'string', default: '10000' },
    memory: { type: 'string', default: sharedBuffers() },
    warm: { type: 'string' },
    rest: { type: 'string' },
  },
})
const size = values.short ? { workers: [1, 2], each: 16 } : { workers: [1, 2, 4], each: 50 }
/** Of each kind of work, the better one counts: what else the machine does slows a round down and never speeds it up. */
const ROUNDS = 2
/** A page of one record and a call per record: what is measured is how work is shared out, not how wide a call is. */
const SHAPE = { syncs: 16, atOnce: 2, delayMs: 50, pageSize: 1 }
const judge = new Judge()

if (values.records)
  await judgeLargeLog(judge, {
    records: Number(values.records),
    delivered: Number(values.delivered ?? values.records),
    batch: Number(values.batch),
    memory: values.memory,
    warm: values.warm,
  })
else if (values.rest) await printRests(Number(values.rest))
else await judgeBackends()
judge.end()

async function printRests(syncs: number): Promise<void> {
  const backend = values.backend === 'redis' ? 'redis' : 'postgres'
  for (const workers of [1, 4]) await printRest(judge, { backend, workers, syncs: SHAPE.syncs })
  await printRest(judge, { backend, workers: 1, syncs })
}

async function judgeBackends(): Promise<void> {
  const missing = redisMissing()
  const backends = (['postgres', 'redis'] as Backend[]).filter((name) => !values.backend || values.backend === name)
  for (const backend of backends) {
    if (backend === 'redis' && missing) judge.note('left out', missing)
    else await judgeBackend(backend)
  }
}

async function judgeBackend(backend: Backend): Promise<void> {
  const machines = Machines.open()
  try {
    judge.note(`queue in ${backend}`, machines.kind)
    const hub = await ManyHub.open({ backend, ...SHAPE }, machines)
    try {
      const rounds = await allRounds(hub)
      console.table(rounds.map(asRow))
      for (const kind of KINDS)
        judgeGrowth(
          backend,
          rounds.filter((round) => round.kind === kind),
        )
      judge.holds(`${backend}: nothing is created twice`, hub.systems.doubled === 0)
    } finally {
      await hub.close()
    }
  } finally {
    machines.close()
  }
}

type Measured = Round & { kind: (typeof KINDS)[number]; workers: number; load: number }

async function allRounds(hub: ManyHub): Promise<Measured[]> {
  const rounds: Measured[] = []
  for (const workers of size.workers) {
    await hub.workers(workers)
    for (let n = 0; n < ROUNDS; n++) {
      const note = (kind: Measured['kind'], round: Round): unknown =>
        rounds.push({ ...round, kind, workers, load: loadavg()[0]! })
      note('pull', await hub.pull(size.each * SHAPE.pageSize))
      note('push', await hub.push())
      note('webhook', await hub.webhooks(size.each))
    }
  }
  return rounds
}

function judgeGrowth(backend: Backend, rounds: Measured[]): void {
  const best = (count: number): Measured =>
    rounds
      .filter(({ workers }) => workers === count)
      .reduce((most, round) => (round.perSecond > most.perSecond ? round : most))
  for (const [workers, bar] of BARS) {
    if (!size.workers.includes(workers)) continue
    const [one, many] = [best(1), best(workers)]
    const times = many.perSecond / one.perSecond
    const what = `${backend}: ${workers} workers do ${times.toFixed(2)} times the ${one.kind} work of one`
    if (Math.max(one.others, many.others) > MOST_OF_OTHERS && times < bar)
      judge.leavesOpen(`${what}: other programs took the processors`)
    else judge.holds(`${what}, at least ${bar}`, times >= bar)
  }
}

function asRow({ kind, workers, perSecond, pieces, seconds, peak, postgresMs, workerMs, others, load }: Measured) {
  return {
    work: kind,
    workers,
    'per second': Math.round(perSecond),
    pieces,
    seconds: Number(seconds.toFixed(1)),
    'calls at once': peak,
    'Postgres CPU ms': Number(postgresMs.toFixed(2)),
    'workers CPU ms': Number(workerMs.toFixed(2)),
    'others %': Math.round(others * 100),
    [`load of ${cpus().length} cores`]: Number(load.toFixed(1)),
  }
}
