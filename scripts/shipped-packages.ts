/** Which packages of the lock file go to users: what the program needs, and what is built into the page. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Locked = {
  version: string
  dev?: true
  optional?: true
  license?: string
  integrity?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}
export type Lock = { name: string; version: string; packages: Record<string, Locked> }

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'src/ui')
const BUILDING = new Set(['vite.config.ts', 'bull-board.ts'])
const IN_MODULES = 'node_modules/'

export const readLock = (): Lock => JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock

/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf(IN_MODULES) + IN_MODULES.length)

/** Their paths in the lock file, in its order. */
export function shippedPackages({ packages }: Lock, ofPage: readonly string[] = importedByPage()): string[] {
  // npm marks what only tools need; the page is built with tools, and then is part of the package.
  const paths = new Set(Object.keys(packages).filter((path) => path !== '' && !packages[path]!.dev))
  const follow = (path: string | undefined): void => {
    if (path === undefined || paths.has(path)) return
    paths.add(path)
    for (const name of neededBy(packages[path]!)) follow(whereIs(packages, path, name))
  }
  for (const name of ofPage) follow(whereIs(packages, '', name))
  return Object.keys(packages).filter((path) => paths.has(path))
}

/** A peer that a package can do without is not there because of it: TypeScript, for one that checks values. */
export const neededBy = ({
  dependencies,
  optionalDependencies,
  peerDependencies = {},
  peerDependenciesMeta: peers = {},
}: Locked): string[] => {
  const wanted = Object.keys(peerDependencies).filter((name) => !peers[name]?.optional)
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...wanted]
}

/** Where Node finds a package: beside its dependent, then further out; nowhere where it is optional and left out. */
export function whereIs(packages: Lock['packages'], from: string, name: string): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf(IN_MODULES) - 1))) {
    const path = `${base ? `${base}/` : ''}${IN_MODULES}${name}`
    if (packages[path]) return path
    if (base === '') return undefined
  }
}

/** Packages that sources of the page import; types count as well, which names a few too many. */
export function importedByPage(): string[] {
  const names = new Set<string>()
  for (const file of readdirSync(PAGE, { recursive: true, encoding: 'utf8' })) {
    // How it is built is no part of it.
    if (!/\.(tsx?|css)$/.test(file) || BUILDING.has(file)) continue
    const text = readFileSync(join(PAGE, file), 'utf8')
    for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)/g)) names.add(name!)
  }
  // Taken into the program and the page when they are built; see bundle-board.ts and src/ui/bull-board.ts.
  for (const name of ['@bull-board/api', '@bull-board/ui']) names.add(name)
  return [...names].filter((name) => !name.startsWith('node:')).sort()
}
