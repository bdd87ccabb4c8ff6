/** The streams that every system must have, and those excused from having fifteen fields to read and eight to write. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseYamlData } from '../../src/core/index.ts'
import { CONNECTORS } from './conformance.ts'

/** What the connectors were asked for, by system; other systems choose their own. */
const NAMED: Record<string, string[]> = {
  salesforce: ['accounts', 'contacts', 'leads', 'opportunities'],
  hubspot: ['companies', 'contacts', 'deals', 'contact_companies', 'deal_companies', 'deal_contacts'],
  pipedrive: ['organizations', 'persons', 'deals'],
  'dynamics-365': ['accounts', 'contacts'],
  mailchimp: ['members'],
  brevo: ['contacts', 'lists'],
  activecampaign: ['contacts', 'lists'],
  zendesk: ['tickets', 'users', 'organizations'],
  freshdesk: ['tickets', 'contacts'],
  intercom: ['contacts', 'conversations'],
  'request-tracker': ['tickets', 'users'],
  shopify: ['customers', 'orders', 'products'],
  stripe: ['customers', 'invoices', 'payments'],
  'sap-s4hana': ['business_partners', 'sales_orders', 'products'],
  odoo: ['partners', 'orders', 'invoices', 'products'],
  'odoo-json2': ['partners', 'orders', 'invoices', 'products'],
  'business-central': ['customers', 'items', 'sales_invoices'],
  erpnext: ['customers', 'items', 'sales_invoices'],
  netsuite: ['customers', 'invoices'],
  dolibarr: ['thirdparties', 'products', 'invoices'],
  tryton: ['parties', 'products'],
  bamboohr: ['employees', 'time_off'],
  personio: ['employees', 'absences'],
  hibob: ['employees', 'time_off'],
  orangehrm: ['employees', 'leave'],
  scim: ['users', 'groups'],
  ldap: ['people', 'groups'],
  xero: ['contacts', 'invoices'],
  quickbooks: ['customers', 'invoices'],
  fakturownia: ['clients', 'invoices'],
  ksef: ['invoices', 'sales_invoices'],
  'microsoft-graph': ['files', 'folders'],
  'google-drive': ['files', 'folders'],
  nextcloud: ['files'],
  webdav: ['documents'],
  alfresco: ['files', 'folders'],
  box: ['files'],
  docusign: ['envelopes'],
  s3: ['documents'],
}

/**
 * Streams whose systems have fewer fields than that, each with its reason in `samples/api.yaml` (`all`), which the check "fields are
 * mapped" shows. May only shrink: a new one here needs a look into the vendor's reference.
 */
const FEWER: Record<string, string[]> = {
  activecampaign: ['contacts'],
  box: ['files'],
  brevo: ['contacts', 'lists'],
  bugzilla: ['comments'],
  docusign: ['documents'],
  graphql: ['records'],
  hibob: ['time_off'],
  hubspot: ['contact_companies', 'deal_companies', 'deal_contacts'],
  http: ['cursors', 'links', 'offsets', 'pages'],
  intercom: ['conversations'],
  ksef: ['sent_invoices', 'sessions'],
  ldap: ['departments', 'groups'],
  'microsoft-graph': ['files', 'folders'],
  nextcloud: ['files', 'folders'],
  odata: ['entities'],
  orangehrm: ['contact_details', 'leave'],
  personio: ['absences'],
  pipedrive: ['organizations'],
  'request-tracker': ['queues'],
  s3: ['documents'],
  scim: ['groups'],
  tryton: ['categories', 'contact_mechanisms', 'employees'],
  webdav: ['documents', 'folders'],
  zendesk: ['organizations'],
}

type Samples = { streams?: Record<string, { all?: string } | null> }

const samplesOf = (name: string): Samples => {
  const file = join(CONNECTORS, name, 'samples', 'api.yaml')
  return existsSync(file) ? (parseYamlData(readFileSync(file, 'utf8')) as Samples) : {}
}

test('every stream that was asked for is there, and the contract is held against it', () => {
  const missing = Object.entries(NAMED).flatMap(([name, streams]) => {
    const manifest = parseYamlData(readFileSync(join(CONNECTORS, name, 'connector.yaml'), 'utf8')) as Samples
    const described = samplesOf(name) as { streams?: object; collections?: object }
    const checked = { ...described.collections, ...described.streams }
    return streams.filter((one) => !(one in manifest.streams!) || !(one in checked)).map((one) => `${name}.${one}`)
  })
  expect(missing).toEqual([])
})

test('the list of streams with fewer fields does not grow', () => {
  const excused = readdirSync(CONNECTORS).flatMap((name) => {
    const streams = Object.entries(samplesOf(name).streams ?? {}).filter(([, use]) => use?.all)
    return streams.length ? [[name, streams.map(([stream]) => stream).sort()]] : []
  })
  expect(Object.fromEntries(excused)).toEqual(FEWER)
})
