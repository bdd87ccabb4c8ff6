/**
 * Writes the bill of materials of what is shipped (CycloneDX 1.6), from the lock file alone, so that it needs no network. `npm sbom`
 * leaves out packages that tools need as well, axios and jose among them.
 *   node scripts/sbom.ts [FILE]     into the file, or to stdout
 */
import { writeFileSync } from 'node:fs'
import {
  importedByPage,
  type Lock,
  type Locked,
  nameOf,
  neededBy,
  readLock,
  shippedPackages,
  whereIs,
} from './shipped-packages.ts'

/** https://github.com/package-url/purl-spec: the `@` of a scope is written as %40. */
const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`

const HASHES: Record<string, string> = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' }

function hashesOf({ integrity }: Locked): { alg: string; content: string }[] {
  return (integrity ?? '').split(' ').flatMap((one) => {
    const [kind = '', digest = ''] = one.split(/-(.*)/s)
    return HASHES[kind] ? [{ alg: HASHES[kind], content: Buffer.from(digest, 'base64').toString('hex') }] : []
  })
}

/** One name of the SPDX list is an id, several with AND and OR an expression; what authors write otherwise is a name. */
const licensesOf = ({ license }: Locked): object[] => {
  if (license === undefined) return []
  if (/^[\w.-]+$/.test(license)) return [{ license: { id: license } }]
  return [/ (AND|OR|WITH) /.test(license) ? { expression: license } : { license: { name: license } }]
}

export type Component = {
  type: 'library' | 'application' | 'operating-system'
  'bom-ref': string
  name: string
  version: string
  purl?: string
  scope?: 'required' | 'optional'
  hashes?: { alg: string; content: string }[]
  licenses?: object[]
  properties?: { name: string; value: string }[]
}
export type BillOfMaterials = {
  bomFormat: 'CycloneDX'
  specVersion: string
  version: number
  metadata: object
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}
type Npm = {
  components: Component[]
  edges: Map<string, Set<string>>
  edgesOf(path: string, more?: readonly string[]): string[]
}

/** Packages of a lock file, and what needs what among them. */
export function npmPackages(packages: Lock['packages'], paths: readonly string[]): Npm {
  const taken = new Set(paths)
  const refOf = (path: string): string => purlOf(nameOf(path), packages[path]!.version)
  const edgesOf = (path: string, more: readonly string[] = []): string[] => {
    const found = [...(packages[path] ? neededBy(packages[path]) : []), ...more].map((name) =>
      whereIs(packages, path, name),
    )
    return [...new Set(found.filter((one) => one !== undefined && taken.has(one)).map((one) => refOf(one!)))].sort()
  }
  // The same version may lie in several places: it is one component, with what each place finds.
  const components = new Map<string, Component>()
  const edges = new Map<string, Set<string>>()
  for (const path of paths) {
    const locked = packages[path]!
    const purl = refOf(path)
    const [hashes, licenses] = [hashesOf(locked), licensesOf(locked)]
    edges.set(purl, new Set([...(edges.get(purl) ?? []), ...edgesOf(path)]))
    if (components.has(purl) && hashes.length === 0) continue
    components.set(purl, {
      type: 'library',
      'bom-ref': purl,
      name: nameOf(path),
      version: locked.version,
      purl,
      scope: locked.optional ? 'optional' : 'required',
      ...(hashes.length ? { hashes } : {}),
      ...(licenses.length ? { licenses } : {}),
    })
  }
  return { components: [...components.values()], edges, edgesOf }
}

/** The document about one thing, which needs some of its components itself. */
export function billOf(
  subject: Component,
  needs: string[],
  { components, edges }: Omit<Npm, 'edgesOf'>,
): BillOfMaterials {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: subject },
    components,
    dependencies: [
      { ref: subject['bom-ref'], dependsOn: needs },
      ...[...edges].map(([ref, needed]) => ({ ref, dependsOn: [...needed] })),
    ],
  }
}

/** Of what is shipped by this checkout. */
export function billOfMaterials(): BillOfMaterials {
  const lock = readLock()
  const npm = npmPackages(lock.packages, shippedPackages(lock))
  const self = purlOf(lock.name, lock.version)
  const subject: Component = {
    type: 'application',
    'bom-ref': self,
    name: lock.name,
    version: lock.version,
    purl: self,
  }
  return billOf(subject, npm.edgesOf('', importedByPage()), npm)
}

if (import.meta.main) {
  const text = `${JSON.stringify(billOfMaterials(), null, 2)}\n`
  const file = process.argv[2]
  if (file === undefined) process.stdout.write(text)
  else writeFileSync(file, text)
}
