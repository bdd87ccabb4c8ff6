import { SpanKind } from '@opentelemetry/api'
import type { SpanName } from '../core/index.ts'

/** Who is at the other end of a span, as OpenTelemetry tells servers, clients and work taken from a queue apart. */
export const KINDS: Record<SpanName, SpanKind> = {
  'receive webhook': SpanKind.SERVER,
  'read webhook': SpanKind.CONSUMER,
  pull: SpanKind.INTERNAL,
  page: SpanKind.INTERNAL,
  'push batch': SpanKind.CONSUMER,
  'map batch': SpanKind.INTERNAL,
  write: SpanKind.INTERNAL,
  call: SpanKind.CLIENT,
}
