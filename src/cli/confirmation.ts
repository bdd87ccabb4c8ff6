import { usageError } from './report-error.ts'

/**
 * For acts that cannot be taken back: without `--yes` nothing is done (CSW-8020). Nobody is asked, for the same line stands in scripts,
 * where nobody can answer. `because` ends a sentence.
 */
export function demandYes(yes: boolean | undefined, because: string): void {
  if (!yes) throw usageError(`Nothing was done: ${because}.`, 'Repeat the command with --yes.')
}
