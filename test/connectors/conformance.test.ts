/** The executable contract of every connector that has samples, each against a simulator of its system. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CHECK_NAMES, descriptionOf, readWaivers, testConnector } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const ROOT = join(import.meta.dirname, '../../connectors')
const catalogue = loadConnectors([ROOT])
const waivers = readWaivers(join(ROOT, 'waivers.yaml'))
const described = catalogue
  .list()
  .map(({ name }) => name)
  .filter((name) => descriptionOf(catalogue, name) !== null)

test.concurrent.each(described)(
  '%s',
  async (name) => {
    const report = await testConnector(catalogue, name)
    const failed = report.checks.filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ stream, check, detail }) => `${stream ?? 'connector'}: ${check}: ${detail}`)).toEqual([])
  },
  120_000,
)

test('waivers name connectors and checks that exist, and do not grow', () => {
  expect(waivers.filter(({ connector }) => !catalogue.names.includes(connector))).toEqual([])
  expect(waivers.filter(({ check }) => !CHECK_NAMES.includes(check))).toEqual([])
  // A new waiver needs a reason that holds for the system, not for the connector; then this number goes up with it.
  expect(waivers.length).toBeLessThanOrEqual(3)
})
