/**
 * Asks the registry for known weaknesses of what is shipped; fails for those that are high or critical.
 *   node scripts/check-advisories.ts             says so, and passes, where the registry answers no such questions
 *   node scripts/check-advisories.ts --release   fails there too: what nobody could ask is not known to be well
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { nameOf, readLock, shippedPackages } from './shipped-packages.ts'

type Advised = {
  name: string
  severity: string
  via: (string | { title?: string; url?: string })[]
  /** The copies that have it, by their paths in the lock file: a tool may bring another version of what is shipped. */
  nodes: string[]
}
export type Audit = { vulnerabilities?: Record<string, Advised>; message?: string; error?: { summary?: string } }

/** What is wrong with the copies of `shipped` (paths in the lock file), a line for each package; or why nobody knows. */
export function verdictOf(audit: Audit | null, shipped: ReadonlySet<string>): { bad: string[] } | { unknown: string } {
  if (!audit?.vulnerabilities) {
    return { unknown: audit?.message ?? audit?.error?.summary ?? 'npm audit gave no answer' }
  }
  const bad = Object.values(audit.vulnerabilities)
    .filter(({ severity }) => severity === 'high' || severity === 'critical')
    .filter(({ nodes }) => nodes.some((path) => shipped.has(path)))
    .map(({ name, severity, via }) => {
      const why = via.map((one) =>
        typeof one === 'string' ? `by ${one}` : `${one.title ?? ''} ${one.url ?? ''}`.trim(),
      )
      return `${name}: ${severity}, ${why.join('; ')}`
    })
  return { bad }
}

function main(): number {
  // Of everything, because the page is built of packages that npm counts as tools; which of them go out is known here.
  const { stdout } = spawnSync('npm', ['audit', '--json'], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
    shell: process.platform === 'win32',
  })
  const shipped = shippedPackages(readLock())
  const verdict = verdictOf(parsed(stdout), new Set(shipped))
  if ('unknown' in verdict) {
    const release = process.argv.includes('--release')
    console.log(`${release ? 'FAILED' : 'SKIPPED'}: known weaknesses could not be asked for (${verdict.unknown}).`)
    return release ? 1 : 0
  }
  for (const line of verdict.bad) console.log(line)
  const names = new Set(shipped.map(nameOf)).size
  console.log(`${verdict.bad.length} of ${names} shipped packages have a known weakness that is high or critical.`)
  return verdict.bad.length ? 1 : 0
}

function parsed(text: string): Audit | null {
  try {
    return JSON.parse(text) as Audit
  } catch {
    return null
  }
}

if (import.meta.main) process.exitCode = main()
