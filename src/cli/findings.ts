import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Finding, formatPlace } from '../core/index.ts'
import { excerpt } from './excerpt.ts'
import { paint } from './output.ts'
import { printable } from './printable.ts'
import { usageError } from './report-error.ts'

/** A misspelt path would otherwise select nothing, and nothing has no faults. */
export async function demandPaths(dir: string, paths: string[]): Promise<void> {
  for (const path of paths)
    await access(resolve(dir, path)).catch(() => {
      throw usageError(`There is no file or folder ${JSON.stringify(path)} in ${dir}.`)
    })
}

/** A finding with its place, the line and a caret. */
export function findingText(finding: Finding, dir: string): string {
  const { severity, code, message, fix, place } = finding
  const colour = severity === 'error' ? 'red' : 'yellow'
  const loud = (text: string): string => paint([colour, 'bold'], text)
  const dim = (text: string): string => paint('dim', text)
  return [
    `${loud(`${severity} ${code}:`)} ${printable(message)}`,
    excerpt(place, dir, dim, loud),
    `  ${dim('fix:')} ${printable(fix)}`,
  ].join('\n')
}

/** A workflow command that GitHub shows at the line of the change. */
export function annotation({ severity, code, message, fix, place }: Finding): string {
  const value = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string): string => value(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  const where = [
    `file=${property(place.file)}`,
    ...(place.line === undefined ? [] : [`line=${place.line}`]),
    ...(place.column === undefined ? [] : [`col=${place.column}`]),
    `title=${property(code)}`,
  ].join(',')
  return `::${severity} ${where}::${value(`${message} ${fix}`)} (${formatPlace(place)})`
}
