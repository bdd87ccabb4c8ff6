import { Counter, Gauge, type Registry } from 'prom-client'
import { type Database, finishedRuns, listConnections, listQueues, listSyncs, runsNow } from '../store/views/index.ts'

const MOST = 10_000
/** Runs get their numbers before they are seen: so far behind the newest one, one may still turn up. */
const STRAGGLERS = 500

/**
 * What the ledger knows, read when somebody asks. It holds for the whole hub: each process that is asked says the same. Labels are
 * names of connections, streams and syncs, and words of the program; nothing that grows with records.
 */
export class LedgerMetrics {
  readonly #db: Database
  readonly #gauges: ReturnType<typeof gauges>
  readonly #runs: Counter<'kind' | 'of' | 'outcome'>
  readonly #records: Counter<'kind' | 'of' | 'count'>
  #after: number | undefined
  #open = new Set<number>()
  readonly #counted = new Set<number>()

  constructor(db: Database, registry: Registry) {
    this.#db = db
    this.#gauges = gauges(registry)
    const registers = [registry]
    this.#runs = new Counter({
      name: 'causeway_runs_total',
      help: 'Runs that ended since this process was first asked.',
      labelNames: ['kind', 'of', 'outcome'],
      registers,
    })
    this.#records = new Counter({
      name: 'causeway_run_records_total',
      help: 'What those runs counted: records read, changed, delivered, parked, dead and so on.',
      labelNames: ['kind', 'of', 'count'],
      registers,
    })
  }

  async collect(): Promise<void> {
    await Promise.all([this.#countRuns(), this.#readState()])
  }

  async #countRuns(): Promise<void> {
    if (this.#after === undefined) {
      const { newest, open } = await runsNow(this.#db)
      this.#after = newest
      this.#open = new Set(open)
      return
    }
    const { newest, open } = await runsNow(this.#db)
    const from = this.#after
    const ended = await finishedRuns(this.#db, from, [...this.#open])
    for (const { id, kind, of, outcome, counts } of ended) {
      if (this.#counted.has(id)) continue
      this.#counted.add(id)
      this.#runs.inc({ kind, of, outcome })
      for (const [count, value] of Object.entries(counts)) if (value > 0) this.#records.inc({ kind, of, count }, value)
    }
    this.#after = Math.max(from, newest - STRAGGLERS)
    this.#open = new Set(open)
    for (const id of this.#counted) if (id <= this.#after && !this.#open.has(id)) this.#counted.delete(id)
  }

  async #readState(): Promise<void> {
    const [syncs, connections, queues] = await Promise.all([
      listSyncs(this.#db, { limit: MOST }),
      listConnections(this.#db, { limit: MOST }),
      listQueues(this.#db, {}),
    ])
    for (const gauge of Object.values(this.#gauges)) gauge.reset()
    const { freshness, syncPaused, deadLetters, authorisation, breaker, waiting, oldest } = this.#gauges
    const now = Date.now()
    for (const { name: sync, lastSuccessAt, state, openDeadLetters } of syncs.items) {
      if (lastSuccessAt) freshness.set({ sync }, Math.max(0, (now - lastSuccessAt.getTime()) / 1_000))
      syncPaused.set({ sync }, state === 'paused' ? 1 : 0)
      deadLetters.set({ sync }, openDeadLetters)
    }
    for (const { name: connection, state, breaker: position } of connections.items) {
      authorisation.set({ connection }, state === 'needs_authorisation' ? 1 : 0)
      breaker.set({ connection }, position === 'closed' ? 0 : 1)
    }
    for (const { connection, kind, waiting: count, oldestAgeSeconds } of queues) {
      waiting.set({ connection, kind }, count)
      oldest.set({ connection, kind }, oldestAgeSeconds ?? 0)
    }
  }
}

function gauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  return {
    freshness: gauge('causeway_sync_freshness_seconds', 'Time since the last push of a sync that succeeded.', 'sync'),
    syncPaused: gauge('causeway_sync_paused', '1 while a sync is paused.', 'sync'),
    deadLetters: gauge('causeway_dead_letters_open', 'Records of a sync that wait for a person.', 'sync'),
    authorisation: gauge('causeway_connection_needs_authorisation', '1 while a person has to allow it.', 'connection'),
    breaker: gauge('causeway_connection_breaker_open', '1 while calls are held back for outages.', 'connection'),
    waiting: gauge('causeway_queue_waiting', 'Work that could be done now.', 'connection', 'kind'),
    oldest: gauge('causeway_queue_oldest_age_seconds', 'Age of the oldest of it; 0 without any.', 'connection', 'kind'),
  }
}
