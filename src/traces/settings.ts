import type { Settings } from '../config/index.ts'
import { CausewayError } from '../core/index.ts'

/** Where the spans of a process go, and how many of them. */
export type TraceSettings = {
  /** All of it, with the path. */
  url: string
  headers: Record<string, string>
  /** Share of the traces that is kept, 0 to 1. */
  ratio: number
  service: string
  /** Private addresses that may be dialled. */
  allow: readonly string[]
}

/** Null where nobody asked for traces. Throws CSW-1002 for headers that are none. */
export function traceSettings(settings: Settings): TraceSettings | null {
  const { traces_url, traces_collector, traces_ratio, traces_service, traces_allow, traces_off } = settings
  if (traces_off || (traces_url === null && traces_collector === null)) return null
  return {
    // The rule of OpenTelemetry: the address of the collector is completed, that of traces alone is taken as it is.
    url: traces_url ?? `${traces_collector!.replace(/\/+$/, '')}/v1/traces`,
    headers: headersOf(settings.traces_headers),
    ratio: traces_ratio,
    service: traces_service,
    allow: traces_allow === null ? [] : traces_allow.split(/[\s,]+/).filter(Boolean),
  }
}

/** `name=value,name=value`, values percent-encoded, as `OTEL_EXPORTER_OTLP_HEADERS` has it. */
function headersOf(text: string | null): Record<string, string> {
  const pairs = (text ?? '').split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      try {
        if (at > 0) return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]
      } catch {
        // Said below, without the value: it is a secret.
      }
      throw new CausewayError('CSW-1002', {
        what: '`traces_headers` must be `name=value` pairs with commas between them, values percent-encoded',
      })
    }),
  )
}
