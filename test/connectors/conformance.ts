/** The executable contract of every connector that has samples, each against a simulator of its system; dealt out over files. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testConnector } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'
import { madeOnce } from '../made-once.ts'

export const CONNECTORS = join(import.meta.dirname, '../../connectors')
const FILES = 3
/** The server of the run, which nobody but the run ends. */
const postgres = async () => ({ url: await madeOnce('postgres'), close: () => Promise.resolve() })

/** Tests every third connector, beginning with the one at `place`. */
export function conformance(place: number): void {
  const described = globSync('*/samples/api.yaml', { cwd: CONNECTORS }).map((file) => file.split(/[\\/]/)[0]!)
  const mine = described.sort().filter((_, index) => index % FILES === place)
  const catalogue = loadConnectors([CONNECTORS], new Set(mine))
  test.concurrent.each(mine)(
    '%s',
    async (name) => {
      const report = await testConnector(catalogue, name, { services: { postgres } })
      const failed = report.checks.filter(({ outcome }) => outcome === 'failed')
      expect(failed.map(({ stream, check, detail }) => `${stream ?? 'connector'}: ${check}: ${detail}`)).toEqual([])
    },
    600_000,
  )
}
