/** Spans by OpenTelemetry's own packages. Loaded only where traces are wanted: together they take some 60 ms and 10 MB. */
import { hostname } from 'node:os'
import { type Attributes, type Context, type Link, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { asCausewayError, type Span, type Tracer, validTraceparent } from '../core/index.ts'
import { createAgents, createDialler } from '../outbound/index.ts'
import { KINDS } from './kinds.ts'
import type { TraceSettings } from './settings.ts'

/** Spans that wait to be sent; those beyond are dropped, so that a collector that is away costs no memory. */
const WAITING_SPANS = 4_096
const SENT_TOGETHER = 512
const SEND_EVERY_MS = 2_000
const SEND_WITHIN_MS = 10_000
/** Traces that one batch is linked to at most. */
const MOST_LINKS = 64

/** Makes the tracer of a process. `close` sends what is left. */
export function openTracer(settings: TraceSettings): { tracer: Tracer; close(): Promise<void> } {
  // The exporter speaks HTTP itself; its sockets are ours, so that the rules of addresses hold for the collector too.
  const agents = createAgents(createDialler('the collector of traces', { allow: settings.allow }), 2)
  const exporter = new OTLPTraceExporter({
    url: settings.url,
    headers: settings.headers,
    timeoutMillis: SEND_WITHIN_MS,
    httpAgentOptions: (protocol) => (protocol === 'https:' ? (agents.https as never) : (agents.http as never)),
  })
  const ratio = new TraceIdRatioBasedSampler(settings.ratio)
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.service,
      'service.instance.id': `${hostname()}/${process.pid}`,
    }),
    // Each hub judges what comes from outside by its own ratio: a sender does not decide what is kept here. What comes from a
    // process of ours is judged already.
    sampler: new ParentBasedSampler({ root: ratio }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: WAITING_SPANS,
        maxExportBatchSize: SENT_TOGETHER,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_WITHIN_MS,
      }),
    ],
  })
  const otel = provider.getTracer('causeway')
  return {
    tracer: {
      start(name, parent, { attributes = {}, links = [] }) {
        const under = name === 'receive webhook' ? judged(parent, settings.ratio) : parent
        const span = otel.startSpan(
          name,
          {
            kind: KINDS[name],
            attributes: attributes as Attributes,
            links: links.slice(0, MOST_LINKS).flatMap(linkTo),
          },
          contextOf(under),
        )
        return ours(span)
      },
    },
    async close() {
      // A collector that is away must not hold up the end of the process.
      await provider.shutdown().catch(() => undefined)
      agents.close()
    },
  }
}

function ours(span: ReturnType<ReturnType<BasicTracerProvider['getTracer']>['startSpan']>): Span {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return {
    traceId,
    traceparent: `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, '0')}`,
    isSampled: (traceFlags & 1) === 1,
    note: (attributes) => void span.setAttributes(attributes as Attributes),
    end: (error) => {
      if (error !== undefined) {
        // The code alone: what it says may quote a record.
        span.setAttribute('error.type', asCausewayError(error).code)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}

/** The sender's trace with our word on whether it is kept: by its id, so that all hubs of one ratio keep the same. */
function judged(parent: string | undefined, ratio: number): string | undefined {
  if (parent === undefined) return undefined
  const [, traceId] = parent.split('-')
  const { decision } = new TraceIdRatioBasedSampler(ratio).shouldSample(ROOT_CONTEXT, traceId!)
  return `${parent.slice(0, -2)}${decision === 0 ? '00' : '01'}`
}

function contextOf(traceparent: string | undefined): Context {
  const spanContext = spanContextOf(traceparent)
  return spanContext ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT
}

function linkTo(traceparent: string): Link[] {
  const context = spanContextOf(traceparent)
  return context ? [{ context }] : []
}

function spanContextOf(traceparent: string | undefined) {
  if (validTraceparent(traceparent) === undefined) return undefined
  const [, traceId, spanId, flags] = traceparent!.split('-')
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true }
}
