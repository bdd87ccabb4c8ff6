/** Traces: which webhook brought a record, and whose changes a batch delivers. */
import { isTracing, type Span, startSpan } from '../core/index.ts'
import type { PageCommit } from './ports.ts'
import type { BatchRecord, Lane } from './work.ts'

/**
 * Begins the span of a batch. One that delivers what a single webhook changed is a part of that webhook's trace; one of several has a
 * trace of its own that is linked to theirs, for it belongs to none of them more than to the others.
 */
export async function beginBatch(lane: Lane, records: readonly BatchRecord[]): Promise<Span | undefined> {
  if (!isTracing() || !records.length) return undefined
  const seqs = records.map(({ seq }) => seq)
  const found = await lane.ports.ledger.readTraces(lane.row.fromStream, seqs)
  const traces = new Map(found.map((traceparent) => [traceparent.slice(3, 35), traceparent]))
  const [only] = traces.values()
  return startSpan('push batch', {
    attributes: {
      'causeway.sync': lane.sync.name,
      'causeway.lane': lane.lane,
      'causeway.connection': lane.sync.to.connection,
      'causeway.stream': lane.sync.to.stream,
      'causeway.records': records.length,
    },
    ...(traces.size === 1 ? { parent: only! } : { links: [...traces.values()] }),
  })
}

/** Says which trace brought the records, where it is kept. */
export function ofTrace(commit: PageCommit, span: Span | undefined): PageCommit {
  if (span?.isSampled) for (const record of commit.records) record.trace = span.traceparent
  return commit
}
