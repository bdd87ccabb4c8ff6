import { execFileSync, spawnSync } from 'node:child_process'

/** Thrown when Debian's packages of a system are not installed; the only reason for which a run may be skipped. */
export class PackagesMissing extends Error {
  readonly packages: string[]
  constructor(system: string, packages: string[]) {
    super(`${system} is not installed; as root: apt-get install -y --no-install-recommends ${packages.join(' ')}`)
    this.name = 'PackagesMissing'
    this.packages = packages
  }
}

/** Names of those packages that dpkg does not know as installed. */
function missingPackages(names: readonly string[]): string[] {
  return names.filter((name) => {
    const answer = spawnSync('dpkg-query', ['-W', `-f=\${Status}`, name], { encoding: 'utf8' })
    return !answer.stdout?.endsWith('ok installed')
  })
}

/** Version of an installed package: part of the key under which a seeded state is kept. */
export const packageVersion = (name: string): string =>
  execFileSync('dpkg-query', ['-W', `-f=\${Version}`, name], { encoding: 'utf8' })

/**
 * Installs what is missing, or throws `PackagesMissing` when `install` is false or we are not root.
 * RUNLEVEL=1 keeps the maintainer scripts from starting Debian's own instance of each server.
 */
export function requirePackages(system: string, names: readonly string[], install: boolean): void {
  const missing = missingPackages(names)
  if (missing.length === 0) return
  if (!install || process.getuid?.() !== 0) throw new PackagesMissing(system, missing)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const options = { env, stdio: ['ignore', 2, 2] as ('ignore' | number)[], timeout: 900_000 }
  const lockWait = ['-o', 'DPkg::Lock::Timeout=300']
  execFileSync('apt-get', ['update', '-q', ...lockWait], options)
  execFileSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...lockWait, ...missing], options)
}
