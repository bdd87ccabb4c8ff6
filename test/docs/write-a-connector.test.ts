/** The newcomer's guide, done as it says. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { testConnector } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/write-a-connector.md'), 'utf8')
const root = mkdtempSync(join(tmpdir(), 'causeway-guide-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Blocks that name a file: ```yaml connectors/acme/connector.yaml */
const files = [...guide.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => ({
  name: name!,
  text: text!,
}))

test('the files of the guide make a connector that keeps its contract', async () => {
  for (const { name, text } of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const catalogue = loadConnectors([join(root, 'connectors')])
  expect(catalogue.findings).toEqual([])
  const report = await testConnector(catalogue, 'acme')
  expect(report.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  const passed = report.checks.flatMap(({ check, outcome }) => (outcome === 'passed' ? [check] : []))
  expect(passed).toEqual(
    expect.arrayContaining(['reads everything exactly once', 'upserts by key', 'obeys a throttle']),
  )
}, 240_000)

test('reading and upserting one stream takes fewer than 60 lines', () => {
  const manifest = files.find(({ name }) => name.endsWith('connector.yaml'))!
  expect(manifest.text.split('\n').length).toBeLessThan(60)
})
