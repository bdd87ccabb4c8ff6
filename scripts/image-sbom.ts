/**
 * Writes the bill of materials of the image (CycloneDX 1.6) from its files: what Debian's package database names, Node, the packages that
 * npm installed, and those that were built into the page.
 *   node scripts/image-sbom.ts ROOT [FILE]     ROOT: the image's files, mounted or unpacked; into the file, or to stdout
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BillOfMaterials, billOf, type Component, npmPackages } from './sbom.ts'
import type { Lock } from './shipped-packages.ts'

const APP = 'app'

const fieldOf = (stanza: string, field: string): string | undefined =>
  new RegExp(`^${field}: *(.*)$`, 'm').exec(stanza)?.[1]

/** Of /etc/os-release. */
function systemOf(root: string): { id: string; version: string; name: string } {
  const text = readFileSync(join(root, 'etc/os-release'), 'utf8')
  const value = (key: string): string => new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? ''
  return { id: value('ID'), version: value('VERSION_ID'), name: value('PRETTY_NAME') }
}

/** What is installed, by dpkg's own list. */
function debianPackages(root: string): Component[] {
  const { id, version: release } = systemOf(root)
  const stanzas = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8').split(/\n\n+/)
  return stanzas
    .filter((stanza) => fieldOf(stanza, 'Status')?.endsWith(' installed'))
    .map((stanza) => {
      const [name, version, arch] = ['Package', 'Version', 'Architecture'].map((field) => fieldOf(stanza, field)!)
      // https://github.com/package-url/purl-spec: the colon of an epoch and a plus are written as numbers.
      const purl = `pkg:deb/${id}/${name}@${encodeURIComponent(version!)}?arch=${arch}&distro=${id}-${release}`
      return { type: 'library', 'bom-ref': purl, name: name!, version: version!, purl }
    })
}

function nodeOf(root: string): Component {
  const program = join(root, 'usr/local/bin/node')
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().slice(1)
  const content = createHash('sha256').update(readFileSync(program)).digest('hex')
  const purl = `pkg:generic/node@${version}`
  return { type: 'application', 'bom-ref': purl, name: 'node', version, purl, hashes: [{ alg: 'SHA-256', content }] }
}

/** Of what lies in a folder that holds the image's `/`. */
export function billOfImage(root: string): BillOfMaterials {
  const read = (path: string) => JSON.parse(readFileSync(join(root, APP, path), 'utf8'))
  const { name, version } = read('package.json') as Lock
  // npm's own account of what it put there: the same as the lock file, less what is for other machines.
  const { packages } = read('node_modules/.package-lock.json') as Lock
  const npm = npmPackages(packages, Object.keys(packages))
  const installed = new Set(npm.components.map(({ purl }) => purl))
  // The package's bill names what the page was built of too; what is optional and not installed is for other machines.
  const ofPage = (read('dist/sbom.cdx.json') as BillOfMaterials).components
    .filter(({ purl, scope }) => !installed.has(purl) && scope === 'required')
    .map((component): Component => ({ ...component, properties: [{ name: 'causeway:built-into', value: 'page' }] }))
  const { id, version: release, name: title } = systemOf(root)
  const system: Component = { type: 'operating-system', 'bom-ref': `${id}-${release}`, name: title, version: release }
  const components = [system, ...debianPackages(root), nodeOf(root), ...npm.components, ...ofPage]
  const purl = `pkg:oci/causeway@${version}`
  const subject: Component = { type: 'application', 'bom-ref': purl, name, version, purl }
  return billOf(
    subject,
    components.map((component) => component['bom-ref']),
    { components, edges: npm.edges },
  )
}

if (import.meta.main) {
  const [root, file] = process.argv.slice(2)
  if (root === undefined) throw new Error('node scripts/image-sbom.ts ROOT [FILE]')
  const text = `${JSON.stringify(billOfImage(root), null, 2)}\n`
  if (file === undefined) process.stdout.write(text)
  else writeFileSync(file, text)
}
