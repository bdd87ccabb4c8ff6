import { CausewayError, formatPlace, type Place } from './errors/causeway-error.ts'
import type { ErrorCode } from './errors/registry.ts'

/** What a checker has to say about a file. Checkers collect all findings, then fail. */
export type Finding = { severity: 'error' | 'warning'; code: ErrorCode; message: string; fix: string; place: Place }

export const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some((finding) => finding.severity === 'error')

/** Throws the first error among the findings, naming how many more there are. */
export function throwOnErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const first = errors[0]
  if (!first) return
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more findings)` : ''
  throw new CausewayError(first.code, {
    what: first.message + more,
    fix: first.fix,
    place: first.place,
    data: { findings: errors.map((finding) => `${formatPlace(finding.place)}: ${finding.message}`) },
  })
}
