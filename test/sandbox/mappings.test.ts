/** The worked syncs: sound by their own words, fitting to the sample connectors, and right in every test they carry. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkHub } from '../../src/config/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'
import {
  type CheckedStream,
  checkSync,
  createMappingRunner,
  loadMappings,
  runSuite,
  type StreamAddress,
  type SyncDefinition,
} from '../../src/mapping/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const SYNCS = [
  'crm-companies-to-erp-customers',
  'crm-contacts-to-erp-customers',

  'erp-invoices-to-crm-activities',
  'erp-invoices-to-documents',
  'erp-orders-to-exports',
  'helpdesk-requesters-to-crm-contacts',
  'helpdesk-tickets-to-crm-activities',
  'hrm-employees-to-directory-users',
  'hrm-employees-to-helpdesk-agents',
]

let syncs: SyncDefinition[]
let streamOf: (address: StreamAddress) => CheckedStream
const runner = createMappingRunner()
afterAll(() => runner.close())

beforeAll(async () => {
  const loaded = await loadMappings(join(ROOT, 'mappings'))
  expect(loaded.findings).toEqual([])
  syncs = loaded.syncs
  const hub = await checkHub({ folder: ROOT, env: {} })
  const connectors = loadConnectors([join(ROOT, 'connectors')])
  streamOf = ({ connection, stream }) => connectors.get(hub.connections.get(connection)!.connector).streams.get(stream)!
})

test('the hub file of the sample names a connector and all settings of it', async () => {
  const hub = await checkHub({ folder: ROOT, env: {} })
  expect(hub.findings).toEqual([])
  const connectors = loadConnectors([join(ROOT, 'connectors')])
  for (const connection of hub.connections.values()) {
    const secrets = Object.fromEntries(Object.keys(connection.secrets).map((name) => [name, 'given']))
    const settings = { ...connection.settings, ...secrets }
    const findings = connectors
      .get(connection.connector)
      .checkSettings(settings, () => connection.placeOf(['settings']))
    expect([connection.name, findings]).toEqual([connection.name, []])
  }
})

test('all worked syncs are there', () => {
  expect(syncs.map((sync) => sync.name).sort()).toEqual(SYNCS)
})

test.each(SYNCS)('%s fits the systems it joins, and its tests reach all of it', async (name) => {
  const sync = syncs.find((one) => one.name === name)!
  const joins = Object.fromEntries(sync.joins.map((joined) => [joined.name, streamOf(joined.from)]))
  expect(checkSync(sync, { from: streamOf(sync.from), to: streamOf(sync.to), joins })).toEqual([])
  const { results, coverage, mutation } = await runSuite(sync, { runner, mutate: true })
  expect(results.length).toBeGreaterThanOrEqual(2)
  expect(results.filter((result) => !result.ok)).toEqual([])
  expect(coverage.items.filter(({ reached }) => !reached)).toEqual([])
  expect(mutation!.made).toBeGreaterThan(5)
  // `$ref` of a test names no target stream, so a change of that cannot be noticed.
  expect(mutation!.survivors.filter(({ what }) => !what.includes(':'))).toEqual([])
})
