import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

export type Import = { file: string; specifier: string; target: string | null; typeOnly: boolean }

const ROOT = join(import.meta.dirname, '../..')
const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g

/** Every import of our own code, read as text: what a newcomer reads is what the rule sees. */
export function readImports(patterns: string[]): Import[] {
  const files = patterns
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .map((file) => file.replaceAll('\\', '/'))
  return files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return [...text.matchAll(IMPORT)].map((match) => {
      const specifier = (match[2] ?? match[3])!
      const target = specifier.startsWith('.') ? relative('.', normalize(join(dirname(file), specifier))) : null
      return { file, specifier, target, typeOnly: match[1] !== undefined }
    })
  })
}

/** The room a file belongs to: `src/<room>/…`, or the folder or file itself. */
export function roomOf(path: string): string {
  const parts = path.split('/')
  if (parts[0] !== 'src') return parts[0]!
  return parts.length > 2 ? parts[1]! : parts[1]!.replace(/\.ts$/, '')
}

export const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
