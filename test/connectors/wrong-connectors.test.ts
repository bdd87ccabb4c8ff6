/** The contract can be broken: each of these connectors is wrong in one place, and one check says so. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { testConnector } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const CONNECTORS = join(import.meta.dirname, '../../connectors')
const root = mkdtempSync(join(tmpdir(), 'causeway-wrong-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs one check on a connector in which `from` was replaced by `to`. */
async function outcome(connector: string, check: string, stream: string | null, from: string, to: string) {
  const folder = join(mkdtempSync(join(root, 'x-')), connector)
  cpSync(join(CONNECTORS, connector), folder, { recursive: true })
  const file = join(folder, 'connector.yaml')
  const text = readFileSync(file, 'utf8')
  expect(text).toContain(from)
  writeFileSync(file, text.replaceAll(from, to))
  const catalogue = loadConnectors([join(folder, '..')])
  expect(catalogue.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  const { checks } = await testConnector(catalogue, connector, { only: (name, of) => name === check && of === stream })
  return checks[0]
}

const WRONG: [string, string, string | null, string, string, RegExp][] = [
  [
    'mailchimp',
    'reads everything exactly once',
    'members',
    'offset: ${ page.offset }',
    'offset: ${ page.offset * 2 }',
    /records are not read/,
  ],
  [
    'mailchimp',
    'reads what changed',
    'members',
    'since_last_changed: ${ since }',
    'before_last_changed: ${ since }',
    /are not read/,
  ],
  [
    'mailchimp',
    'looks up by field',
    'members',
    "records: response[status != 'archived']",
    'records: response.nothing',
    /not read/,
  ],
  [
    'hubspot',
    'one refused record holds nobody up',
    'contacts',
    'results: $append(response.results, response.errors)',
    'results: response.results',
    /outcomes are/,
  ],
  [
    'mailchimp',
    'creates with every field',
    'members',
    'id: response.contact_id',
    'id: response.unique_email_id',
    // Its tags are written under that id right after.
    /nothing at this address/,
  ],
  [
    'stripe',
    'a lost answer makes no duplicate',
    'customers',
    'Idempotency-Key: "${ idempotency_key }"',
    'X-Key: "${ idempotency_key }"',
    /made 2 records|made 3 records/,
  ],
  [
    'salesforce',
    'learns later what a job did',
    'accounts (bulk)',
    'item: values.External_Id__c }',
    'item: values.Name }',
    /of 2 records of a job 0 are told of later/,
  ],
  [
    'mailchimp',
    'a job of bad records refuses them',
    'members (batches)',
    'signed: true, ',
    '',
    // The store of the results takes no credentials.
    /reported as unknown, unknown/,
  ],
  ['stripe', 'refuses forged events', null, 'tolerance_seconds: 300', 'tolerance_seconds: 86400', /an hour old/],
  ['s3', 'reads everything exactly once', 'documents', 'prefix: ${ settings.prefix }', 'prefix: ""', /are not read/],
  [
    'ldap',
    'fields are mapped',
    'people',
    'mail: { values: many }',
    'mail: { values: first }',
    /not as its schema says/,
  ],
  [
    'csv',
    'reads what changed',
    'rows',
    'key: $lookup(record, settings.key)',
    'key: $lookup(record, "name")',
    /not read|undefined/,
  ],
  ['stripe', 'takes events', null, 'id: item.data.object.id', 'id: item.id', /does not lead to|gives no tombstone/],
]

test.each(WRONG)(
  '%s: %s',
  async (connector, check, stream, from, to, says) => {
    const result = await outcome(connector, check, stream, from, to)
    expect(result).toMatchObject({ outcome: 'failed', detail: expect.stringMatching(says) })
  },
  60_000,
)
