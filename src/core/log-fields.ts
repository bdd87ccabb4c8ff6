/**
 * What of a value may stand in a log line. An allow list: a field that nobody has thought about is left out and named in
 * `dropped`, because the careless `log.info({ record })` must not put a customer into a log file.
 */
import { CausewayError } from './errors/causeway-error.ts'
import { mayQuote } from './errors/quoting.ts'
import { registry } from './errors/registry.ts'
import type { Redactor } from './redaction.ts'
import { isSecretName, redactUrl } from './redaction.ts'

/** Fields whose text may be shown. Record ids are not among them: systems use addresses and names of people as ids. */
const TEXT_FIELDS = new Set(
  `actor address api at attempt backend cause causeClass channel code command connection connector counts cron detail event
   file fingerprint fix folder format from host instance job key_id kind lane level library line locale method migration mode
   module name operation outcome part path phase pid plugin port protocol queue reaction reason remoteAddress reqId requestId
   route run runId schedule scheduler sent serverUrl session setting signal slot sql_state stage state status step stream streams
   sync syncs table task to tool traceId type until unit url version what where why worker zone`.split(/\s+/),
)

const MAX_TEXT = 2_000
const MAX_ITEMS = 50
const MAX_DEPTH = 4

/** The fields of a log call, cleaned. Numbers and booleans pass under any name that is not a secret's. */
export function cleanFields(fields: Readonly<Record<string, unknown>>, redact: Redactor): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  const dropped: string[] = []
  for (const [key, value] of Object.entries(fields)) {
    const shown = fieldOf(key, value, redact)
    if (shown === undefined) {
      if (value !== undefined) dropped.push(visible(key))
    } else clean[key] = shown
  }
  return dropped.length > 0 ? { ...clean, dropped } : clean
}

function fieldOf(key: string, value: unknown, redact: Redactor): unknown {
  if (isSecretName(key)) return undefined
  if (key === 'err' || key === 'error' || value instanceof Error) return cleanError(value, redact)
  if (key === 'req') return requestOf(value, redact)
  if (key === 'res') return { status: (value as { statusCode?: unknown } | null)?.statusCode }
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return String(value)
  if (key === 'url' && typeof value === 'string') return cleanText(redactUrl(value, redact), redact)
  return TEXT_FIELDS.has(key) ? cleanValue(value, redact, 1) : undefined
}

/** Texts, numbers and plain collections of them; anything with a class of its own is named, not shown. */
function cleanValue(value: unknown, redact: Redactor, depth: number): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'string') return cleanText(value, redact)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (typeof value !== 'object') return undefined
  if (depth >= MAX_DEPTH) return '…'
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleanValue(item, redact, depth + 1))
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor?.name ?? 'object'}]`
  const entries = Object.entries(value).slice(0, MAX_ITEMS)
  return Object.fromEntries(
    entries.map(([key, item]) => [visible(key), isSecretName(key) ? '[secret]' : cleanValue(item, redact, depth + 1)]),
  )
}

/** Method, address and path of a request to the hub; never headers or body. */
function requestOf(value: unknown, redact: Redactor): unknown {
  const { method, url, ip } = value as { method?: unknown; url?: unknown; ip?: unknown }
  return { method, ...(typeof url === 'string' ? { url: cleanText(redactUrl(url, redact), redact) } : {}), ip }
}

/**
 * An error for a log line: our fields of our errors, without words that may be of a person; of others name, code, message and, as it is a
 * defect, the stack.
 */
function cleanError(error: unknown, redact: Redactor): unknown {
  if (error instanceof CausewayError) {
    return {
      ...ourFields(error.toJSON(), redact),
      ...stackOf(error, isDefect(error), redact),
    }
  }
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code
    return {
      type: visible(error.name),
      ...(typeof code === 'string' ? { code } : {}),
      what: cleanText(withoutValues(error.message), redact),
      ...stackOf(error, true, redact),
    }
  }
  // A serialised CausewayError, or something odd that was thrown.
  if (typeof error === 'object' && error !== null && 'code' in error) return ourFields(error, redact)
  return cleanValue(typeof error === 'string' ? withoutValues(error) : error, redact, 1)
}

/** Of an error about a system or a record its particulars stay out: a system quotes whom it refuses, and addresses hold ids of records. */
function ourFields(error: { code?: unknown; what?: unknown; data?: unknown }, redact: Redactor): object {
  const { what, data, ...rest } = error
  const shown = cleanValue(rest, redact, 1) as object
  const isData = typeof data === 'object' && data !== null
  if (mayQuote(error.code))
    return { ...shown, ...(isData ? { data: cleanFields(data as Record<string, unknown>, redact) } : {}) }
  const words = typeof what === 'string' && error.code === 'CSW-1001' ? withoutValues(what) : what
  return { ...shown, what: cleanValue(words, redact, 1), ...(isData ? { data: cleanValue(data, redact, 2) } : {}) }
}

/** What a program of others quotes in its messages is what it was given: `JSON.parse` the text, Postgres the value. */
const withoutValues = (message: string): string => message.replace(/".*"/s, '"…"')

/** What a line says that was given an error and no message. */
export const messageOf = (error: Error): string =>
  error instanceof CausewayError && mayQuote(error.code)
    ? registry[error.code].meaning
    : isDefect(error)
      ? withoutValues(error.message)
      : error.message

/** Thrown by a program of others, or by ours without meaning to. */
const isDefect = (error: Error): boolean => !(error instanceof CausewayError) || error.code === 'CSW-1001'

/** Stacks are kept as lines, so that a message inside one cannot fake a line of the log. */
function stackOf(error: Error, wanted: boolean, redact: Redactor): { stack?: string[] } {
  if (!wanted || !error.stack) return {}
  const cause =
    error.cause instanceof Error ? [`caused by ${error.cause.name}: ${withoutValues(error.cause.message)}`] : []
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line))
  return { stack: [...cause, ...frames].slice(0, 30).map((line) => cleanText(line.trim(), redact)) }
}

/** Text without secrets, of bounded length, that cannot do anything to a terminal or to the lines around it. */
export function cleanText(text: string, redact: Redactor): string {
  const reach = text.length > MAX_TEXT + redact.longest ? text.slice(0, MAX_TEXT + redact.longest) : text
  const shown = visible(redact(reach))
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}…` : shown
}

/**
 * Control characters (line breaks, ANSI escapes), and those that reorder or hide text around them (bidirectional marks, zero
 * width, line separators; https://trojansource.codes), as their code points.
 */
const DECEIVING = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu

const visible = (text: string): string =>
  text.replace(DECEIVING, (character) => `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`)
