/**
 * Webhooks: how many are acknowledged per second, how long one takes, and when the target hears of it; Causeway on Postgres and
 * on Redis beside a service written by hand. Everything durable. `node test/bench/intake.ts`
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PostgresServer } from '../faults/rig/postgres.ts'
import { RedisServer, redisMissing } from '../faults/rig/redis.ts'
import { type Delivery, percentile, WEBHOOK_SECRET } from '../faults/rig/sender.ts'
import { TargetStub } from '../faults/rig/target.ts'
import { freePort, sleep, until } from '../faults/rig/waiting.ts'
import { type Backend, World } from '../faults/rig/world.ts'
import { Random } from '../random.ts'
import { Flood, webhookRequest } from './flood.ts'

type Figures = Record<string, number>
/** Fills a body up to 2 kB. */
const FILLER = 'x'.repeat(1_900)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
/** Webhooks per second: the first before anything is measured, for a process that has handled none yet is no process at work. */
const RATES = [100, 10, 200]

let count = 0

const folder = await mkdtemp(join(tmpdir(), 'causeway-bench-'))
const missing = redisMissing()
const postgres = await PostgresServer.start(join(folder, 'postgres'))
try {
  const results: { contender: string; figures: Figures }[] = []
  if (missing) console.log(`Without the service written by hand and the Redis half: ${missing}.`)
  else results.push({ contender: 'hand-written (Redis)', figures: await handWritten() })
  for (const backend of missing ? (['postgres'] as const) : (['postgres', 'redis'] as const))
    results.push({ contender: `causeway (${backend})`, figures: await causeway(backend) })
  print(results)
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}

async function causeway(backend: Backend): Promise<Figures> {
  const world = await World.open({ backend, random: new Random(1), postgres }, { lanes: 1 })
  try {
    const { hub, target } = world
    await hub.serve()
    await acks(hub.url, 1)
    const figures: Figures = { 'acks/s': await acks(hub.url, SECONDS) }
    figures['p99 ms at 500/s'] = await answerTime(hub.url)
    if (world.redis) {
      await world.redis.crash()
      figures['acks/s without Redis'] = await acks(hub.url, SECONDS)
      await world.redis.up()
    }
    figures['serve MB'] = Math.round(hub.server!.residentMB())
    await world.pool.query('truncate inbox, inbox_seen')
    const worker = await hub.work()
    // At rest is what has given back what its start has left, which takes V8 some eight seconds more.
    await sleep(25_000)
    figures['idle serve MB'] = Math.round(hub.server!.residentMB())
    figures['idle worker MB'] = Math.round(worker.residentMB())
    return { ...figures, ...(await latencies(hub.url, target)) }
  } finally {
    await world.close()
  }
}

async function handWritten(): Promise<Figures> {
  const redis = await RedisServer.start(join(folder, 'redis'))
  await redis.command('CONFIG', 'SET', 'appendfsync', 'always')
  const target = await TargetStub.start(join(folder, 'journal.jsonl'))
  const port = await freePort()
  const service = fork(join(import.meta.dirname, 'hand-written-service.ts'), [
    String(port),
    redis.url,
    target.url,
    WEBHOOK_SECRET,
  ])
  const url = `http://127.0.0.1:${port}`
  try {
    await once(service, 'message')
    await acks(url, 1)
    const figures: Figures = { 'acks/s': await acks(url, SECONDS), 'p99 ms at 500/s': await answerTime(url) }
    // The worker begins only now, as that of Causeway does: both take webhooks with all there is.
    await redis.command('FLUSHALL')
    service.send('work')
    await sleep(1_000)
    return { ...figures, ...(await latencies(url, target)) }
  } finally {
    service.kill()
    await target.stop()
    await redis.stop()
  }
}

/** As many as 50 sockets bring through, per second. The requests are made before, for signing them takes longer than sending. */
async function acks(url: string, seconds: number): Promise<number> {
  const requests = prepared('a', 8_000 * seconds)
  const flood = new Flood(url)
  const began = performance.now()
  const end = began + seconds * 1_000
  let sent = 0
  let odd = 0
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (performance.now() < end && sent < requests.length) {
        const { status } = await flood.send(requests[sent++]!)
        if (status !== 202) odd++
      }
    }),
  )
  const took = performance.now() - began
  flood.stop()
  if (odd) throw new Error(`${odd} of ${sent} webhooks were not acknowledged`)
  return Math.round(sent / (took / 1_000))
}

async function answerTime(url: string): Promise<number> {
  const flood = new Flood(url)
  const answers = await atRate(prepared('b', 500 * SECONDS), 500, (request) => flood.send(request))
  flood.stop()
  const odd = answers.filter(({ status }) => status !== 202).length
  if (odd) throw new Error(`${odd} of ${answers.length} webhooks were not acknowledged`)
  return rounded(
    percentile(
      answers.map(({ ms }) => ms),
      0.99,
    ),
  )
}

function prepared(prefix: string, length: number): Buffer[] {
  return Array.from({ length }, () => webhookRequest(event(prefix)))
}

/** From the moment a webhook is sent to the moment the target is called, for records it does not know. */
async function latencies(url: string, target: TargetStub): Promise<Figures> {
  const figures: Figures = {}
  const flood = new Flood(url)
  for (const [round, perSecond] of RATES.entries()) {
    const sent = new Map<string, number>()
    const took: number[] = []
    target.mishap = ({ method, body }) => {
      const id = method === 'GET' ? undefined : /"external_id":"([^"]+)"/.exec(body)?.[1]
      const at = id === undefined ? undefined : sent.get(id)
      if (at !== undefined) took.push(performance.now() - at)
      return undefined
    }
    const events = Array.from({ length: perSecond * SECONDS }, () => {
      const one = event(`l${perSecond}-`)
      return { id: one.contact.id, request: webhookRequest(one) }
    })
    await atRate(events, perSecond, ({ id, request }) => {
      sent.set(id, performance.now())
      return sendUntilTaken(flood, request)
    })
    await until(
      'the target heard of all',
      () => took.length,
      (count) => count >= events.length,
      60_000,
    )
    if (round === 0) continue
    figures[`to target at ${perSecond}/s, p50 ms`] = rounded(percentile(took, 0.5))
    figures[`to target at ${perSecond}/s, p99 ms`] = rounded(percentile(took, 0.99))
  }
  flood.stop()
  return figures
}

/** As senders do; what was refused (503) or never answered counts with all its waiting. */
async function sendUntilTaken(flood: Flood, request: Buffer): Promise<void> {
  while ((await flood.send(request)).status !== 202) await sleep(100)
}

/** Calls at a steady rate, whatever becomes of the answers; resolves when all are in. */
async function atRate<T, R>(items: T[], perSecond: number, call: (item: T) => Promise<R>): Promise<R[]> {
  const began = performance.now()
  const pending: Promise<R>[] = []
  while (pending.length < items.length) {
    const due = Math.min(items.length, Math.ceil(((performance.now() - began) / 1_000) * perSecond) + 1)
    while (pending.length < due) pending.push(call(items[pending.length]!))
    await sleep(2)
  }
  return Promise.all(pending)
}

function event(prefix: string): Delivery {
  const id = `${prefix}${count++}`
  return { eventId: `e-${id}`, contact: { id, rev: 1, name: 'Somebody', filler: FILLER } }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function print(results: { contender: string; figures: Figures }[]): void {
  console.log(`\nWebhooks of 2 kB, ${SECONDS} s per figure, ${cpus().length} cores, Node ${process.versions.node}`)
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))]
  console.table(
    Object.fromEntries(
      names.map((name) => [
        name,
        Object.fromEntries(results.map(({ contender, figures }) => [contender, figures[name] ?? ''])),
      ]),
    ),
  )
  const base = results.find(({ contender }) => contender.startsWith('hand-written'))?.figures
  if (!base) return
  for (const { contender, figures } of results.slice(1))
    console.log(
      `${contender}: ${(figures['acks/s']! / base['acks/s']!).toFixed(2)} of the acks/s of the hand-written service`,
    )
}
