import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { HubConfig } from '../config/index.ts'
import { type Finding, nearestName } from '../core/index.ts'

/** The table files of mappings in the environment that is in use: other ids, the same mapping. */
export class TablesOf {
  readonly #dir: string
  readonly #config: HubConfig
  readonly #asked = new Set<string>()

  constructor(dir: string, config: HubConfig) {
    this.#dir = dir
    this.#config = config
  }

  /** Where a table is read here. */
  readonly at = (path: string): string => {
    const name = relative(this.#dir, resolve(path)).replaceAll('\\', '/')
    this.#asked.add(name)
    const instead = this.#config.tables.get(name)
    return instead === undefined ? path : resolve(this.#dir, instead)
  }

  /** What the environment says of tables that no mapping has, and of files that are not there. */
  findings(): Finding[] {
    return [...this.#config.tables].flatMap(([name, instead]): Finding[] => {
      const place = this.#config.placeOfTable(name)
      if (!this.#asked.has(name)) {
        const near = nearestName(name, this.#asked)
        const known = [...this.#asked].join(', ') || 'none'
        return [
          {
            severity: 'error',
            code: 'CSW-1007',
            message: `no mapping has a table in the file ${name}`,
            fix: near ? `Did you mean "${near}"?` : `Files of tables: ${known}.`,
            place,
          },
        ]
      }
      if (existsSync(resolve(this.#dir, instead))) return []
      const fix = 'Create the file, or correct its path, which begins at the hub folder.'
      return [{ severity: 'error', code: 'CSW-1003', message: `there is no file ${instead}`, fix, place }]
    })
  }
}
