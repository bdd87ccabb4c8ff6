/** One connector for each protocol that can be simulated: what is carried from one installation of it to another. */
import type { Item } from '../../src/simulator/index.ts'

export type Case = {
  protocol: string
  connector: string
  stream: string
  collection: string
  /** Where the matched field stands in the system's own record. */
  key: string
  mapping: string
  settings?: Item
  /** What somebody changes in the source; a file gets other bytes instead. */
  change?: (n: number, record: Item) => Item
  /** Where the change stands. */
  changed?: string
  /** A new record of the source. */
  created?: Item
  /** Where it is carried to, when the connector only reads. */
  into?: Pick<Case, 'connector' | 'stream' | 'collection' | 'key' | 'changed'>
}

export const CASES: Case[] = [
  {
    protocol: 'rest',
    connector: 'hubspot',
    stream: 'contacts',
    collection: 'contacts',
    key: 'properties.email',
    mapping: 'match: [email]\nmap: { email: email, firstname: firstname, lastname: lastname, city: city }',
    change: (n) => ({ properties: { city: `Łódź ${n}` } }),
    changed: 'properties.city',
    created: { properties: { email: 'nowa@postbox.example', firstname: 'Nowa', lastname: 'Osoba' } },
  },
  {
    protocol: 'odata',
    connector: 'business-central',
    stream: 'customers',
    collection: 'customers',
    key: 'number',
    mapping: 'match: [number]\nmap: { number: number, displayName: displayName, email: email, city: city }',
    change: (n) => ({ city: `Łódź ${n}` }),
    changed: 'city',
    created: { number: 'C7001', displayName: 'Nowa firma', email: 'nowa@postbox.example' },
  },
  {
    protocol: 'graphql',
    connector: 'shopify',
    stream: 'customers',
    collection: 'customers',
    key: 'email',
    mapping: 'match: [email]\nmap: { email: email, firstName: firstName, lastName: lastName, note: note }',
    change: (n) => ({ note: `Łódź ${n}` }),
    changed: 'note',
    created: { email: 'nowa@postbox.example', firstName: 'Nowa', lastName: 'Osoba' },
  },
  {
    protocol: 'jsonrpc',
    connector: 'odoo',
    settings: { page_size: 12 },
    stream: 'partners',
    collection: 'partners',
    key: 'ref',
    mapping: 'match: [ref]\nmap: { ref: ref, name: name, type: type }',
    change: (n) => ({ name: `Łódź ${n}` }),
    changed: 'name',
    created: { ref: 'C-70001', name: 'Nowa firma', email: 'nowa@postbox.example' },
  },
  {
    protocol: 'xmlrpc',
    connector: 'bugzilla',
    stream: 'bugs',
    collection: 'bugs',
    key: 'alias',
    mapping:
      'match: [alias]\nmap: { alias: alias, product: product, component: component, version: version, summary: summary, whiteboard: whiteboard }',
    change: (n) => ({ whiteboard: `Łódź ${n}` }),
    changed: 'whiteboard',
    created: { product: 'Widgets', component: 'Gears', version: '2.1', summary: 'Neu', alias: ['T-70001'] },
  },
  {
    protocol: 'soap',
    connector: 'exchange',
    stream: 'contacts',
    collection: 'contacts',
    key: 'EmailAddresses.EmailAddress1',
    mapping:
      'match: [email1]\nmap: { email1: email1, given_name: given_name, surname: surname, company_name: company_name, mobile_phone: mobile_phone, business_city: business_city }',
    change: (n) => ({ PhysicalAddresses: { Business: { City: `Łódź ${n}` } } }),
    changed: 'PhysicalAddresses.Business.City',
    created: { EmailAddresses: { EmailAddress1: 'nowa@postbox.example' }, GivenName: 'Nowa', Surname: 'Osoba' },
  },
  {
    protocol: 'webdav',
    connector: 'nextcloud',
    stream: 'files',
    collection: 'files',
    key: 'path',
    mapping: 'match: [path]\nmap: { path: path }\ncontent: true',
  },
  {
    protocol: 's3',
    connector: 's3',
    stream: 'documents',
    collection: 'documents',
    key: 'path',
    mapping: 'match: [path]\nmap: { path: path }\ncontent: true',
  },
  {
    protocol: 'sql',
    connector: 'sql',
    stream: 'rows',
    collection: 'rows',
    key: 'number',
    mapping: 'match: [number]\nmap: { number: number, name: name, city: city }',
    change: (n) => ({ city: `Łódź ${n}` }),
    changed: 'city',
    created: { number: 'N-7001', name: 'Nowa firma', active: true },
  },
  {
    protocol: 'ldap',
    connector: 'ldap',
    stream: 'people',
    collection: 'people',
    key: 'uid',
    mapping: 'match: [sku]\nmap: { sku: uid, name: displayName, note: title }',
    change: (n) => ({ title: `Łódź ${n}` }),
    changed: 'title',
    created: {
      dn: 'uid=nowa,ou=People,dc=example,dc=com',
      objectClass: ['top', 'inetOrgPerson'],
      uid: 'nowa',
      cn: ['Nowa Osoba'],
      sn: 'Osoba',
    },
    into: { connector: 'jsonl', stream: 'rows', collection: 'rows', key: 'sku', changed: 'note' },
  },
  {
    protocol: 'files',
    connector: 'xlsx',
    stream: 'rows',
    collection: 'rows',
    key: 'sku',
    mapping: 'match: [sku]\nmap: { sku: sku, name: name }',
    change: (n) => ({ name: `Łódź ${n}` }),
    changed: 'name',
    created: { sku: 'Z-7001', name: 'Nowość' },
    into: { connector: 'csv', stream: 'rows', collection: 'rows', key: 'sku', changed: 'name' },
  },
  ...['csv-sftp', 'csv-s3'].map((connector) => ({
    protocol: connector,
    connector,
    stream: 'rows',
    collection: 'rows',
    key: 'sku',
    mapping: 'match: [sku]\nmap: { sku: sku, name: name, note: note }',
    change: (n: number) => ({ note: `Łódź, „${n}”` }),
    changed: 'note',
    created: { sku: 'Z-7001', name: 'Nowość', note: '' },
  })),
  {
    protocol: 'webdav-plain',
    connector: 'webdav',
    stream: 'documents',
    collection: 'files',
    key: 'path',
    mapping: 'match: [path]\nmap: { path: path }\ncontent: true',
  },
  {
    protocol: 'carddav',
    connector: 'carddav',
    stream: 'contacts',
    collection: 'cards',
    key: 'uid',
    mapping: 'match: [uid]\nmap: { uid: uid, fn: fn, title: title, emails: emails }',
    change: (n, { text }) => ({ text: String(text).replace(/FN:[^\r]*/, `FN:Łódź ${n}`) }),
    changed: 'fn',
    created: {
      name: 'nowa.vcf',
      uid: 'urn:uuid:nowa',
      text: 'BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:nowa\r\nFN:Nowa Osoba\r\nEND:VCARD\r\n',
    },
  },
]
