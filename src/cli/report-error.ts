import { asCausewayError, CausewayError, errorRegistry } from '../core/index.ts'
import { excerpt } from './excerpt.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { ENVELOPE, type Format, paintError } from './output.ts'
import { printable } from './printable.ts'

/** Prints what went wrong, where, why and what to do to stderr, and gives the exit code. */
export function reportError(thrown: unknown, context: { format: Format; dir: string }): number {
  if (isInterrupt(thrown)) return EXIT.interrupted
  const error = asCausewayError(unreadableFile(thrown) ?? thrown)
  if (context.format === 'json' || context.format === 'ndjson')
    process.stderr.write(`${JSON.stringify({ causeway: ENVELOPE, kind: 'error', error })}\n`)
  else process.stderr.write(`${describe(error, context.dir)}\n`)
  // A defect of ours: the stack is what a report needs.
  if (error.code === 'CSW-1001' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`)
  return exitCodeOf(error)
}

const NOT_READ: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'what stands before its name is no folder',
}

/** A file that somebody named and that cannot be opened is no defect of ours; whatever a command does of it says so alike. */
function unreadableFile(thrown: unknown): CausewayError | undefined {
  const { code = '', path, syscall } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {}
  // Reading a folder fails without its name.
  if (!Object.hasOwn(NOT_READ, code) || !(syscall === 'read' || (syscall === 'open' && path))) return undefined
  return usageError(`${path ?? 'What was named'} cannot be opened: ${NOT_READ[code]}.`, 'Correct the name of the file.')
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
