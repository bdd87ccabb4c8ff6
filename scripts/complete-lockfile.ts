/**
 * Completes package-lock.json with the builds for other platforms that a package lists and the registry at hand did not have
 * when the file was written. npm leaves such builds out without a word, and then `npm ci` refuses the file on every machine.
 *   node scripts/complete-lockfile.ts           adds what is missing
 *   node scripts/complete-lockfile.ts --check   fails when something is
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Entry = { version: string; dev?: true; optionalDependencies?: Record<string, string> }
type Platform = { os: string[]; cpu: string[]; libc?: string[] }

const FILE = join(import.meta.dirname, '../package-lock.json')
const OSES = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']

const lock = JSON.parse(readFileSync(FILE, 'utf8')) as { packages: Record<string, Entry> }
const missing = Object.entries(lock.packages).flatMap(([path, { dev, optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !isLocked(path, name))
    .map(([name, version]) => ({ name, version, dev })),
)

if (missing.length > 0 && process.argv.includes('--check')) {
  const names = missing.map(({ name }) => name).join(', ')
  console.error(`package-lock.json lacks ${names}: run \`node scripts/complete-lockfile.ts\` and commit it.`)
  process.exitCode = 1
} else if (missing.length > 0) {
  for (const { name, version, dev } of missing) {
    // No hash: what was not there could not be read. npm takes what the registry says when a machine needs such a build.
    const entry = { version, ...platformOf(name), ...(dev && { dev }), optional: true }
    lock.packages[`node_modules/${name}`] = entry
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`Added ${missing.length} builds for other platforms to package-lock.json.`)
}

/** Looks for a package where Node would: beside its dependent, then further out. */
function isLocked(dependent: string, name: string): boolean {
  for (let at = dependent; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`]) return true
    if (at === '') return false
  }
}

/** `@oxc-parser/binding-linux-arm-musleabihf` → linux, arm, musl: such packages are named after what they run on. */
function platformOf(name: string): Platform {
  const words = name.split(/[/-]/)
  const os = OSES.find((word) => words.includes(word))
  const cpu = CPUS.find((word) => words.includes(word))
  if (!os || !cpu) throw new Error(`${name} is missing from package-lock.json, and its name tells no platform.`)
  const libc = os !== 'linux' ? undefined : words.some((word) => word.startsWith('musl')) ? 'musl' : undefined
  return { os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) }
}
