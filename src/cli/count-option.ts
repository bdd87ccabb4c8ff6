import { usageError } from './report-error.ts'

/** A count of records as the command line gives it. */
export function countOption(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw usageError(`${JSON.stringify(text)} is no count of records.`)
  return count
}
