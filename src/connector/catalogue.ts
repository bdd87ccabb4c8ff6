/** All connectors of a hub. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CausewayError, type Finding, nearestName } from '../core/index.ts'
import { Connector } from './connector.ts'
import { loadManifest } from './manifest/load.ts'

export class Catalogue {
  /** Everything that was found wrong, over all manifests read. */
  readonly findings: readonly Finding[]
  private readonly connectors: ReadonlyMap<string, Connector>
  /** All that could be used, whether read or not. */
  readonly names: readonly string[]

  /** `names` also holds connectors that were not read. */
  constructor(connectors: ReadonlyMap<string, Connector>, findings: readonly Finding[], names: readonly string[]) {
    this.connectors = connectors
    this.findings = findings
    this.names = names
  }

  /** Sorted by name. */
  list(): Connector[] {
    return [...this.connectors.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  has(name: string): boolean {
    return this.connectors.has(name)
  }

  /** The connector of that name; CSW-2001 with the nearest name where there is none (or where it has faults). */
  get(name: string): Connector {
    const found = this.connectors.get(name)
    if (found) return found
    const fault = this.findings.find(
      ({ severity, place }) => severity === 'error' && basename(dirname(place.file)) === name,
    )
    if (fault)
      throw new CausewayError('CSW-2001', {
        what: `The connector "${name}" is not loaded, for its manifest has faults: ${fault.message}`,
        fix: fault.fix,
        place: fault.place,
      })
    const near = nearestName(
      name,
      this.names.filter((known) => known !== name),
    )
    throw new CausewayError('CSW-2001', {
      what: `There is no connector "${name}".`,
      ...(near ? { fix: `Did you mean "${near}"?` } : {}),
    })
  }
}

/**
 * Loads `<dir>/<system>/connector.yaml` of every folder given; a later folder overrides an earlier one, so that a user may
 * replace a connector that came with the hub. A manifest with faults is left out and reported in `findings`. With `only`, other
 * manifests are not read: a hub needs those its connections name, and each costs some 30 ms and a megabyte.
 */
export function loadConnectors(folders: readonly string[], only?: ReadonlySet<string>): Catalogue {
  const connectors = new Map<string, Connector>()
  const findings: Finding[] = []
  const files = folders.flatMap(manifestsIn)
  for (const file of files) {
    if (only && !only.has(basename(dirname(file)))) continue
    const loaded = loadManifest(file)
    findings.push(...loaded.findings)
    if (loaded.manifest) connectors.set(loaded.manifest.name, new Connector(loaded.manifest))
  }
  return new Catalogue(connectors, findings, [...new Set(files.map((file) => basename(dirname(file))))])
}

function manifestsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => join(folder, entry.name, 'connector.yaml'))
    .filter((file) => existsSync(file))
    .sort()
}
