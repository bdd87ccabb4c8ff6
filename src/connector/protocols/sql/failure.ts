/** From what a database answered, or did not, to coded errors. */
import { CausewayError, type ErrorCode } from '../../../core/index.ts'

/** Rules by the beginning of an error's state or by its whole number; the first that fits counts. */
export type FailureRules = readonly (readonly [states: RegExp, code: ErrorCode, says: string])[]

/**
 * The coded error of an answered failure. `message` is the database's own, without the values that it quotes from the record.
 */
export function answeredFailure(rules: FailureRules, state: string, message: string, statement: string): CausewayError {
  const [, code, says] = rules.find(([states]) => states.test(state)) ?? [null, 'CSW-3006' as const, 'failed there']
  return new CausewayError(code, {
    what: `${verbOf(statement)} ${says} (${state}): ${message}`.slice(0, 600),
    data: { state, answered: true },
  })
}

/** No answer came. Whether the statement took effect is the caller's to judge: only a commit makes it matter. */
export function brokenLink(cause: unknown, target: string, why?: string): CausewayError {
  const code = (cause as { code?: string } | null)?.code
  return new CausewayError('CSW-3001', {
    what: `${target}: ${why ?? `the connection broke${code ? ` (${code})` : ''}`}.`,
    data: code ? { cause: code } : {},
  })
}

export const tooSlow = (target: string, ms: number): CausewayError =>
  new CausewayError('CSW-3002', { what: `${target}: a statement took longer than ${ms} ms.` })

/** True when the database itself said no: then nothing of the transaction is done. */
export const isAnswered = (error: unknown): error is CausewayError =>
  error instanceof CausewayError && error.data.answered === true

/** One row can be to blame for these, so a batch is split until it stands alone. */
export const isOfRow = (error: CausewayError): boolean => ['CSW-3008', 'CSW-2056'].includes(error.code)

const verbOf = (statement: string): string => /^\s*([a-z]+)/i.exec(statement)?.[1]?.toUpperCase() ?? 'A statement'
