/** The hub's log: one JSON object a line (pino), or short lines where a person is watching. */
import { format } from 'node:util'
import type { Logger as Pino } from 'pino'
import { lazily } from './lazily.ts'
import { cleanFields, cleanText, messageOf } from './log-fields.ts'
import { shortLine } from './log-line.ts'
import { createRedactor, type Redactor } from './redaction.ts'
import { workFields } from './tracing.ts'

const pinoPackage = lazily<typeof import('pino')>('pino')

/** Kept in memory for who asks for help; some 100 kB. */
const MOST_RECENT = 300

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** A pino logger that cleans what it is given, and from now on hides further secrets everywhere it and its children write. */
export type Logger = Pino & {
  addSecrets(values: Iterable<string>): void
  /** The last lines of this process, as JSON, the oldest first. */
  recent(): string[]
}

export type LoggerOptions = {
  level?: LogLevel
  /** `auto`: text when the destination is a terminal. */
  format?: 'auto' | 'json' | 'text'
  /** Where lines go; standard output by default. */
  destination?: { write(line: string): unknown; isTTY?: boolean }
  secrets?: Iterable<string>
  colour?: boolean
}

/** Makes the logger of a process. Children carry context: `log.child({ connection, sync, runId })`. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { destination = process.stdout, format: wanted = 'auto' } = options
  const asText = wanted === 'text' || (wanted === 'auto' && destination.isTTY === true)
  const colour = options.colour ?? (asText && destination.isTTY === true && !process.env.NO_COLOR)
  const secrets = new Set(options.secrets)
  let redact: Redactor = createRedactor(secrets)
  const recent: string[] = []
  const remember = (line: string): void => {
    if (recent.push(line) > 2 * MOST_RECENT) recent.splice(0, MOST_RECENT)
  }

  const { pino, stdTimeFunctions } = pinoPackage()
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      // Which run and trace a line belongs to, without anybody having to say so.
      mixin: workFields,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        // Here, because formatters see neither the message nor errors given alone.
        logMethod(args, method) {
          const { fields, message } = callOf(args)
          method.call(this, cleanFields(fields, redact), message === undefined ? undefined : cleanText(message, redact))
        },
      },
    },
    {
      write: (line: string) => {
        remember(line)
        destination.write(asText ? shortLine(line, colour) : line)
      },
    },
  )

  // pino resets its bindings formatter for children, so their context is cleaned on the way in; children inherit this.
  const child = logger.child
  logger.child = function (this: Pino, bindings: Record<string, unknown>, childOptions?: object) {
    return child.call(this, cleanFields(bindings, redact), childOptions as never)
  } as Pino['child']
  return Object.assign(logger, {
    addSecrets: (values: Iterable<string>) => {
      for (const value of values) secrets.add(value)
      redact = createRedactor(secrets)
    },
    recent: () => recent.slice(-MOST_RECENT),
  })
}

/** The ways to call a pino method: message with values, fields with message, an error alone. */
function callOf(args: readonly unknown[]): { fields: Record<string, unknown>; message: string | undefined } {
  const [first, ...rest] = args
  if (typeof first === 'string') return { fields: {}, message: format(first, ...rest) }
  const message = rest.length > 0 ? format(...rest) : undefined
  if (first instanceof Error) return { fields: { err: first }, message: message ?? messageOf(first) }
  return { fields: (first ?? {}) as Record<string, unknown>, message }
}
