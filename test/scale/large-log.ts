import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { createPool } from '../../src/store/index.ts'
import type { Judge } from '../bench/judge.ts'
import { usageOf } from '../bench/process-tree.ts'
import { HubProcesses } from '../faults/rig/hub.ts'
import { PostgresServer } from '../faults/rig/postgres.ts'
import { sleep, until } from '../faults/rig/waiting.ts'
import { fillLog } from './fill-log.ts'
import { Pair, pairFiles, person } from './one-pair.ts'
import { writeFiles } from './write-files.ts'

/** Times the processor time that Postgres needs for a record in a small log. */
const MOST_PER_RECORD = 2
const MOST_ANSWER_MS = 1_000
const SMALL = 20_000

/** So many records more than fill it are in the log; `delivered` of them have deliveries, links and keys in the target. */
export type LargeLog = {
  records: number
  delivered: number
  batch: number
  /** What the server keeps in memory of its own, as `shared_buffers` has it. */
  memory: string
  /** Measures the large log a second time with this much, into which all tables are read first: the steady state of a server that has enough. */
  warm: string | undefined
}
type Place = {
  folder: string
  postgres: PostgresServer
  pair: Pair
  pool: pg.Pool
  database: string
  judge: Judge
  batch: number
}

/** Numbers of records that no log holds yet. */
let made = 1_000_000_000

/**
 * Does a record cost the same in a log of ten million as in a small one? Measures pulls, pushes and the page's lists in a log of
 * 20,000 records, fills it up by SQL, and measures the same again. A bar is missed where a record costs Postgres more than twice as
 * much then, or an answer takes more than a second.
 */
export async function judgeLargeLog(judge: Judge, log: LargeLog): Promise<void> {
  const { records, delivered, batch, warm } = log
  const folder = await mkdtemp(join(tmpdir(), 'causeway-large-log-'))
  const postgres = await PostgresServer.start(join(folder, 'postgres'), serverSettings(log.memory))
  const pair = await Pair.start()
  const database = await postgres.database()
  const pool = createPool(postgres.url(database), { transactionIdleMs: 0, statementMs: 3_600_000 })
  const place: Place = { folder, postgres, pair, pool, database, judge, batch }
  try {
    await pool.query('create extension if not exists pg_stat_statements schema public')
    await pool.query('create extension if not exists pg_prewarm schema public')
    await writeFiles(join(folder, 'hub'), pairFiles(pair.url))
    const small = await measured(place, { from: 0, to: SMALL, delivered: SMALL })
    const large = await measured(place, { from: SMALL, to: records, delivered })
    await printSizes(pool)
    judge.note('memory of the server', log.memory)
    compare(judge, small, large)
    if (warm) {
      await postgres.restart(serverSettings(warm))
      await warmUp(pool)
      judge.note('memory of the server', `${warm}, all tables read into it first`)
      compare(judge, small, await withHub(place, (hub) => measure(place, hub, { delivered, rev: 3 })))
    }
  } finally {
    await pool.end()
    await pair.stop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is measured is processor time and plans, not the disk; statements are counted. */
function serverSettings(memory: string): string[] {
  const settings = {
    shared_buffers: memory,
    track_io_timing: 'on',
    fsync: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '8GB',
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.max': '2000',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

type Step = { seconds: number; postgresUs: number; workerUs: number; statements: Map<string, Statement> }
/** `pages`: read from outside the memory of the server, by one call; `readMs`: what reading them took. */
type Statement = { text: string; calls: number; meanMs: number; totalMs: number; pages: number; readMs: number }
type Measured = { steps: Map<string, Step>; answers: Map<string, number> }

/** Fills the log, once a hub has registered its sync, and measures in a hub that finds it so. */
async function measured(place: Place, range: Parameters<typeof fillLog>[1]): Promise<Measured> {
  if (range.from === 0) await withHub(place, async () => undefined)
  const seconds = await fillLog(place.pool, range)
  place.judge.note(`records in the log ${range.to.toLocaleString('en')}, seconds to fill`, JSON.stringify(seconds))
  // What the filling left to write is not what the records cost.
  await place.pool.query('checkpoint')
  return withHub(place, (hub) => measure(place, hub, { ...range, rev: 2 }))
}

/** Indexes last, so that they stay where memory is short. */
async function warmUp(pool: pg.Pool): Promise<void> {
  await pool.query(
    `select sum(public.pg_prewarm(oid::regclass)) from (select oid from pg_class where relnamespace = 'causeway'::regnamespace
      and relkind in ('r', 'i') order by relkind desc) tables`,
  )
}

async function withHub<T>({ folder, postgres, database }: Place, work: (hub: HubProcesses) => Promise<T>): Promise<T> {
  const hub = await HubProcesses.prepare({
    folder: join(folder, 'hub'),
    logs: folder,
    databaseUrl: postgres.url(database),
    extra: { CAUSEWAY_LOG_LEVEL: 'warn' },
  })
  try {
    await hub.serve()
    await hub.work()
    return await work(hub)
  } finally {
    await hub.stop()
  }
}

async function measure(place: Place, hub: HubProcesses, range: { delivered: number; rev: number }): Promise<Measured> {
  const { pool, pair, batch } = place
  // Spread over the whole log, as changes are, as far as it was delivered.
  const known = Array.from({ length: batch }, (_, i) => Math.floor((i * range.delivered) / batch))
  const fresh = Array.from({ length: batch }, () => made++)
  const warm = Array.from({ length: 500 }, () => made++)
  const steps = new Map<string, Step>()
  const step = async (name: string, numbers: number[], work: () => Promise<void>): Promise<void> => {
    steps.set(name, await timed(place, hub, numbers.length, work))
  }
  const pull = async (numbers: number[], rev: number): Promise<void> => {
    await hub.api('POST', '/syncs/people/pause', {})
    pair.said = numbers.map((n) => person(n, rev))
    await hub.api('POST', '/syncs/people/run', { full: false })
    const { rows } = await pool.query<{ id: number }>("select id from stream where name = 'people'")
    await until('all is read', () => isPulled(pool, rows[0]!.id), Boolean, 1_200_000, 50)
  }
  const push = async (): Promise<void> => {
    await hub.api('POST', '/syncs/people/resume', {})
    await until('all is delivered', () => isPushed(pool), Boolean, 1_200_000, 50)
  }
  await pull(warm, 1)
  await push()
  await step('pull, changed', known, () => pull(known, range.rev))
  await step('push, changed', known, push)
  await step('pull, unchanged', known, () => pull(known, range.rev))
  await push()
  await step('pull, new', fresh, () => pull(fresh, 1))
  await step('push, new', fresh, push)
  return { steps, answers: await answers(hub, range.delivered) }
}

async function timed(
  { pool, postgres }: Place,
  hub: HubProcesses,
  count: number,
  work: () => Promise<void>,
): Promise<Step> {
  await sleep(1_000)
  await pool.query('select public.pg_stat_statements_reset()')
  const used = (pid: number): number => Object.values(usageOf(pid).cpuSeconds).reduce((sum, one) => sum + one, 0)
  const worker = hub.workers[0]!.pid
  const before = { postgres: used(postgres.pid), worker: used(worker) }
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1_000
  const perRecord = (since: number, now: number): number => ((now - since) * 1e6) / count
  const postgresUs = perRecord(before.postgres, used(postgres.pid))
  const workerUs = perRecord(before.worker, used(worker))
  return { seconds, postgresUs, workerUs, statements: await statementsOf(pool) }
}

async function statementsOf(pool: pg.Pool): Promise<Map<string, Statement>> {
  const { rows } = await pool.query<Statement & { id: string }>(
    `select queryid::text as id, regexp_replace(query, '\\s+', ' ', 'g') as text, calls::int as calls, mean_exec_time as "meanMs", total_exec_time as "totalMs",
            (shared_blks_read / calls)::int as pages, shared_blk_read_time / calls as "readMs"
       from public.pg_stat_statements where query not like '%pg_stat_statements%' order by total_exec_time desc limit 60`,
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** What the page and the command line ask for, and how long the answer takes: the better of two. */
async function answers(hub: HubProcesses, size: number): Promise<Map<string, number>> {
  const id = `p${Math.floor(size / 2)}`
  const paths = [
    '/syncs',
    '/syncs/people',
    '/streams',
    '/streams/pair:people',
    `/records?key=${id}`,
    `/record?stream=pair:people&id=${id}`,
    '/runs',
    '/problems',
    '/queues',
    '/dead-letters',
    '/connections',
  ]
  const found = new Map<string, number>()
  for (const path of paths) {
    const times = []
    for (let n = 0; n < 2; n++) {
      const began = performance.now()
      await hub.api('GET', path)
      times.push(performance.now() - began)
    }
    found.set(path.replace(id, 'ID'), Math.min(...times))
  }
  return found
}

async function isPulled(pool: pg.Pool, streamId: number): Promise<boolean> {
  const { rows } = await pool.query<{ done: boolean }>('select pull_mode is null as done from stream where id = $1', [
    streamId,
  ])
  return rows[0]!.done
}

async function isPushed(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ done: boolean }>(
    `select bool_and(p.seq >= s.seq) as done from sync_position p join stream s on s.id = p.stream_id`,
  )
  return rows[0]!.done
}

async function printSizes(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; rows: number; table: number; indexes: number }>(
    `select relname as name, reltuples::bigint as rows, pg_table_size(oid) as "table", pg_indexes_size(oid) as indexes from pg_class
      where relnamespace = 'causeway'::regnamespace and relkind = 'r' and relname in ('record', 'delivery', 'link', 'record_key') order by 1`,
  )
  console.table(
    rows.map((row) => ({
      ...row,
      table: `${Math.round(row.table / 2 ** 20)} MB`,
      indexes: `${Math.round(row.indexes / 2 ** 20)} MB`,
      'bytes a row': Math.round((row.table + row.indexes) / row.rows),
    })),
  )
}

function compare(judge: Judge, small: Measured, large: Measured): void {
  const load = `load ${loadavg()[0]!.toFixed(1)} of ${cpus().length} cores`
  console.table(
    [...large.steps].map(([name, step]) => {
      const before = small.steps.get(name)!
      return {
        step: name,
        'Postgres µs, small': Math.round(before.postgresUs),
        'Postgres µs, large': Math.round(step.postgresUs),
        'worker µs, small': Math.round(before.workerUs),
        'worker µs, large': Math.round(step.workerUs),
        's, small': Number(before.seconds.toFixed(1)),
        's, large': Number(step.seconds.toFixed(1)),
      }
    }),
  )
  judge.note('at the end', load)
  for (const [name, step] of large.steps) {
    const times = step.postgresUs / small.steps.get(name)!.postgresUs
    judge.holds(
      `${name}: ${times.toFixed(2)} times the Postgres of a small log, at most ${MOST_PER_RECORD}`,
      times <= MOST_PER_RECORD,
    )
    printSlower(judge, small.steps.get(name)!, step)
  }
  for (const [path, ms] of large.answers)
    judge.holds(
      `GET ${path}: ${ms.toFixed(0)} ms (${small.answers.get(path)!.toFixed(0)} in a small log), at most ${MOST_ANSWER_MS}`,
      ms <= MOST_ANSWER_MS,
    )
}

/** Statements that take more than twice as long, where that matters. */
function printSlower(judge: Judge, small: Step, large: Step): void {
  for (const [id, { text, calls, meanMs, totalMs, pages, readMs }] of large.statements) {
    const before = small.statements.get(id)
    if (totalMs <= 30 || (before && meanMs <= 2 * before.meanMs)) continue
    const former = before ? `${before.meanMs.toFixed(2)} with ${before.pages}` : 'not among the first 60'
    judge.note(
      `${calls} times ${meanMs.toFixed(2)} ms with ${pages} pages read in ${readMs.toFixed(2)}, was ${former}`,
      text.slice(0, 160),
    )
  }
}
