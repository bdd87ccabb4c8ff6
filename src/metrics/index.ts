import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Database } from '../store/views/index.ts'
import { measureCalls } from './calls.ts'
import { LedgerMetrics } from './ledger.ts'

/** What `/metrics` answers. */
export type Metrics = {
  contentType: string
  /** Reads the ledger; whoever asks meanwhile gets the same answer. */
  text(): Promise<string>
  /** Names of all metrics, for the check of dashboards and rules. */
  names(): string[]
  close(): void
}

export function createMetrics(db: Database, { version }: { version: string }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'causeway_build_info',
    help: 'Always 1; which version runs, on which Node.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.version }, 1)
  const stop = measureCalls(registry)
  const ledger = new LedgerMetrics(db, registry)
  let reading: Promise<string> | undefined
  return {
    contentType: registry.contentType,
    text() {
      reading ??= ledger
        .collect()
        .then(() => registry.metrics())
        .finally(() => {
          reading = undefined
        })
      return reading
    },
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
    close() {
      stop()
      registry.clear()
    },
  }
}
