/** Clients of databases that are not installed with the hub, because few need them: found beside it when a connection wants one. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { CausewayError } from '../../../core/index.ts'

/** Loads the package, installed with the hub or in the folder it runs in. Throws CSW-2057 with what to install. */
export function loadPeer<Package>(name: string, version: string, database: string): Package {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from)(name) as Package
    } catch (error) {
      if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw brokenPeer(name, error)
    }
  }
  throw new CausewayError('CSW-2057', {
    what: `${database} is spoken by the package "${name}", which is not installed.`,
    fix: `Install it beside the hub: npm install ${name}@${version}`,
  })
}

const brokenPeer = (name: string, cause: unknown): CausewayError =>
  new CausewayError('CSW-2057', { what: `The package "${name}" cannot be loaded: ${(cause as Error).message}`, cause })
