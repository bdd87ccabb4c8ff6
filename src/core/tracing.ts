/**
 * What is going on, for traces and log lines. Spans are made by whoever is installed as the tracer; without one, asking for a span
 * costs a comparison. The vendor's packages stay out of here: they are loaded where traces are wanted.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** One piece of work in a trace. */
export type Span = {
  /** For whoever goes on with it elsewhere, as W3C Trace Context writes it. */
  traceparent: string
  traceId: string
  /** False where the trace is not kept: nothing of it is worth being stored. */
  isSampled: boolean
  note(attributes: SpanAttributes): void
  /** With what was thrown, where something was. Once. */
  end(error?: unknown): void
}

/**
 * All that a span may carry: names of the configuration, words of the program, counts. No id of a record, no path, no body.
 * Names follow OpenTelemetry's conventions where they are stable, and are our own where they are not.
 */
type SpanAttributes = {
  'causeway.connection'?: string
  'causeway.stream'?: string
  'causeway.sync'?: string
  'causeway.lane'?: number
  'causeway.operation'?: string
  'causeway.mode'?: string
  'causeway.run_id'?: number
  'causeway.records'?: number
  'causeway.events'?: number
  'causeway.duplicates'?: number
  'causeway.failed'?: number
  'http.request.method'?: string
  'http.response.status_code'?: number
  'server.address'?: string
}

export type SpanName =
  | 'receive webhook'
  | 'read webhook'
  | 'pull'
  | 'page'
  | 'push batch'
  | 'map batch'
  | 'write'
  | 'call'

export type SpanOptions = {
  attributes?: SpanAttributes
  /** `traceparent` of what it goes on with; by default it is part of the work under way, else the beginning of a trace. */
  parent?: string
  /** Other traces that it has to do with. */
  links?: readonly string[]
}

export type Tracer = { start(name: SpanName, parent: string | undefined, options: SpanOptions): Span }

type Work = { span?: Span; runId?: number }

const current = new AsyncLocalStorage<Work>()
let tracer: Tracer | undefined

/** From now on spans are made by `installed`; gives what takes it away again, unless another one has come since. */
export function installTracer(installed: Tracer): () => void {
  tracer = installed
  return () => {
    if (tracer === installed) tracer = undefined
  }
}

/** True where spans are made, and what leads from one process to the next is worth being kept. */
export const isTracing = (): boolean => tracer !== undefined

/** Are what others asked for or left behind, never a part of what happens to be under way where they begin. */
const BEGINNINGS = new Set<SpanName>(['receive webhook', 'read webhook', 'pull', 'push batch'])

/** Begins a span; the caller ends it. Undefined where nobody traces. */
export function startSpan(name: SpanName, options: SpanOptions = {}): Span | undefined {
  if (!tracer) return undefined
  const around = BEGINNINGS.has(name) ? undefined : current.getStore()?.span?.traceparent
  return tracer.start(name, options.parent ?? around, options)
}

/** Runs `work` in a span, which ends with it. */
export async function traced<T>(
  name: SpanName,
  options: SpanOptions,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, options)
  if (!span) return work(undefined)
  try {
    const result = await inSpan(span, () => work(span))
    span.end()
    return result
  } catch (error) {
    span.end(error)
    throw error
  }
}

/** Runs `work` as a part of a span, which goes on afterwards. */
export const inSpan = <T>(span: Span | undefined, work: () => T): T =>
  span ? current.run({ ...current.getStore(), span }, work) : work()

/** Runs `work` as a part of a run: log lines name it. */
export const inRun = <T>(runId: number, work: () => T): T => current.run({ ...current.getStore(), runId }, work)

/** What a log line says of the work under way. */
export function workFields(): { traceId?: string; runId?: number } {
  const { span, runId } = current.getStore() ?? {}
  return { ...(span ? { traceId: span.traceId } : {}), ...(runId === undefined ? {} : { runId }) }
}

/** Pages of something that is read bit by bit, each in a span of its own. */
export async function* tracedPages<T>(pages: AsyncIterable<T>, options: SpanOptions): AsyncGenerator<T> {
  const iterator = pages[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await traced('page', options, () => iterator.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

/** What a `traceparent` header may be, version 00: another text is as good as none. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The header of a stranger, if it is well-formed. */
export const validTraceparent = (header: string | undefined): string | undefined =>
  header !== undefined && TRACEPARENT.test(header) ? header : undefined
