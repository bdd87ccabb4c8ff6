import { asCausewayError, CausewayError, errorRegistry } from '../core/index.ts'
import { excerpt } from './excerpt.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { ENVELOPE, type Format, paintError } from './output.ts'
import { printable } from './printable.ts'

/** Prints what went wrong, where, why and what to do to stderr, and gives the exit code. */
export function reportError(thrown: unknown, context: { format: Format; dir: string }): number {
  if (isInterrupt(thrown)) return EXIT.interrupted
  const error = asCausewayError(thrown)
  if (context.format === 'json' || context.format === 'ndjson')
    process.stderr.write(`${JSON.stringify({ causeway: ENVELOPE, kind: 'error', error })}\n`)
  else process.stderr.write(`${describe(error, context.dir)}\n`)
  // A defect of ours: the stack is what a report needs.
  if (error.code === 'CSW-1001' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`)
  return exitCodeOf(error)
}

function describe(error: CausewayError, dir: string): string {
  const dim = (text: string): string => paintError('dim', text)
  const red = (text: string): string => paintError(['red', 'bold'], text)
  const findings = Array.isArray(error.data.findings) ? error.data.findings.slice(1) : []
  return [
    `${red(`error ${error.code}:`)} ${printable(error.message)}`,
    ...(error.place ? [excerpt(error.place, dir, dim, red)] : []),
    ...findings.map((finding) => `  ${dim('also')} ${printable(String(finding))}`),
    `  ${dim('why:')} ${errorRegistry[error.code].meaning}`,
    `  ${dim('fix:')} ${printable(error.fix)}`,
    `  ${dim(`causeway explain ${error.code}`)}`,
  ].join('\n')
}

/** Thrown by waits that ctrl-c ended. */
export class Interrupted extends Error {}
const isInterrupt = (thrown: unknown): boolean => thrown instanceof Interrupted

export const usageError = (what: string, fix?: string): CausewayError =>
  new CausewayError('CSW-8020', { what, ...(fix ? { fix } : {}) })
