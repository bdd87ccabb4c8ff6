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
  change?: (n: number) => Item
  /** Where the change stands. */
  changed?: string
  /** A new record of the source. */
  created?: Item
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
    protocol: 'webdav',
    connector: 'nextcloud',
    stream: 'files',
    collection: 'files',
    key: 'path',
    mapping: 'match: [path]\nmap: { path: path }\ncontent: true',
  },
]
