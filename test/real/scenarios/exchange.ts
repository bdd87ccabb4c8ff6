/** Files on OpenSSH → OData; OData → Radicale; Radicale → files on OpenSSH: each system gives and takes. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import type { JsonObject } from '../../../src/core/index.ts'
import { customerCount } from '../boot/odata.ts'
import { priceCount } from '../boot/openssh.ts'
import { card, cardCount, cards } from '../boot/radicale.ts'
import type { Env, Pair } from './pair.ts'

type Table = Record<string, unknown>

export const exchangePairs: Pair[] = [
  {
    ...{ title: 'OpenSSH file → OData', sync: 'prices-to-catalogue', count: priceCount },
    source: async (env) => tableOf(rowsIn(pricesOf(env), ';'), 'sku', ({ name, price }) => [name, price]),
    target: async (env) => tableOf(await entities(env, 'Products'), 'Sku', ({ Name, Price }) => [Name, Price]),
    change: async (env) =>
      edit(
        env,
        (text) =>
          `${text.replace(/^S00003;.*$/m, 'S00003;"neu; mit ""Zeichen""";0.10').replace(/^(S00004;.*);.*$/m, '$1;9')}S90000;Neu;1.00\n`,
      ),
    remove: async (env) => edit(env, (text) => text.replace(/^S0002[0-2];.*\n/gm, '')),
  },
  {
    ...{ title: 'OData → Radicale', sync: 'customers-to-book', count: customerCount },
    source: async (env) =>
      tableOf(
        await entities(env, 'Customers'),
        'Number',
        ({ Name, Credit, Email }) => [Name, `Credit ${Credit}`, Email],
        'customer-',
      ),
    target: async (env) => cardsIn(env, 'customers'),
    change: async (env) => {
      const ModifiedAt = new Date().toISOString()
      await odata(env, 'PATCH', "Customers('C00003')", { Name: 'Zoë „Neu“; GmbH, Bern', ModifiedAt })
      await odata(env, 'PATCH', "Customers('C00004')", { Credit: '99999.99', ModifiedAt })
      await odata(env, 'POST', 'Customers', {
        Number: 'C90000',
        Name: 'New',
        Credit: '1.00',
        Email: 'n@example.org',
        ModifiedAt,
      })
    },
    remove: async (env) => {
      for (const n of [20, 21, 22]) await odata(env, 'DELETE', `Customers('C000${n}')`)
    },
  },
  {
    ...{ title: 'Radicale → OpenSSH file', sync: 'book-to-people-file', count: cardCount },
    source: async (env) => cardsIn(env, 'people'),
    target: async (env) =>
      tableOf(rowsIn(path.join(env.SFTP_FILES!, 'incoming/people.csv'), ','), 'id', ({ name, note, mail }) => [
        name,
        note,
        mail,
      ]),
    change: async (env) => {
      const at = await addresses(env)
      await cards(env, 'PUT', at(3), card(3, 'Zoë „Neu“\\, Bern'))
      await cards(env, 'PUT', at(4), card(4, 'Anders'))
      await cards(env, 'PUT', '/hub/people/person-9000.vcf', card(9000))
    },
    remove: async (env) => {
      const at = await addresses(env)
      for (const n of [20, 21, 22]) await cards(env, 'DELETE', at(n))
    },
  },
]

const pricesOf = (env: Env): string => path.join(env.SFTP_FILES!, 'outgoing/prices.csv')
const edit = (env: Env, change: (text: string) => string): void =>
  writeFileSync(pricesOf(env), change(readFileSync(pricesOf(env), 'utf8')))

const rowsIn = (file: string, delimiter: string): Table[] =>
  parse(readFileSync(file, 'utf8'), { columns: true, delimiter }) as Table[]

function tableOf(rows: Table[], key: string, pick: (row: Table) => unknown, prefix = ''): Table {
  return Object.fromEntries(
    rows.map((row) => [`${prefix}${row[key]}`, pick(row)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

async function odata(env: Env, method: string, at: string, body?: JsonObject): Promise<JsonObject> {
  const response = await fetch(`${env.ODATA_URL}/${at}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${text}`)
  return text ? (JSON.parse(text) as JsonObject) : {}
}

const entities = async (env: Env, set: string): Promise<Table[]> => (await odata(env, 'GET', set)).value as Table[]

/** The cards of a book by uid, as Radicale exports the book. */
async function cardsIn(env: Env, book: string): Promise<Table> {
  const text = (await cards(env, 'GET', `/hub/${book}/`)).replace(/\r\n[ \t]/g, '')
  const property = (source: string, name: string) =>
    (new RegExp(`^${name}(?:;[^:]*)?:(.*?)\r$`, 'm').exec(source)?.[1] ?? '').replace(/\\(.)/g, (_all, char) =>
      char === 'n' ? '\n' : char,
    )
  const found = text.split('END:VCARD').slice(0, -1)
  return tableOf(
    found.map((source) => ({ uid: property(source, 'UID'), source })),
    'uid',
    ({ source }) => ['FN', 'NOTE', 'EMAIL'].map((name) => property(String(source), name)),
  )
}

/** Where Radicale keeps the card of a person: it names resources as it likes. */
async function addresses(env: Env): Promise<(n: number) => string> {
  const query =
    '<C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><C:address-data/></prop><C:filter/></C:addressbook-query>'
  const text = await cards(env, 'REPORT', '/hub/people/', query, { depth: '1' })
  const found = new Map<string, string>()
  for (const [, href = '', inside = ''] of text.matchAll(/<href>([^<]*)<\/href>(.*?)<\/response>/gs))
    found.set(/^UID:(.*?)\r?$/m.exec(inside)?.[1]?.replace(/&#13;$/, '') ?? '', href)
  return (n) => {
    const at = found.get(`person-${n}`)
    if (!at) throw new Error(`Radicale has no card of person ${n}`)
    return at
  }
}
