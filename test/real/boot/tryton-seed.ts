import type { JsonObject } from '../../../src/core/index.ts'
import { familyNames, givenNames, pick, seededRandom } from './random.ts'
import { TrytonRpc, trytonDate, trytonDecimal } from './tryton-rpc.ts'

export const trytonHub = { user: 'hub', password: 'Hub-5b91-xkqz' }
export const customerCount = 1_000
export const supplierCount = 40
export const productCount = 80

/** Fills a fresh database through Tryton's own API: company, customers, suppliers, products and a user for the hub. */
export async function seedTryton(url: string, adminPassword: string): Promise<void> {
  const rpc = new TrytonRpc(url)
  const admin = await rpc.login('admin', adminPassword)
  const company = await createCompany(rpc, admin)
  rpc.context = { language: 'en', company }
  await createParties(rpc)
  await createProducts(rpc)
  await createHubUser(rpc, company)
}

const create = (rpc: TrytonRpc, model: string, rows: JsonObject[]): Promise<number[]> => rpc.call(model, 'create', rows)
const one = async (rpc: TrytonRpc, model: string, row: JsonObject): Promise<number> =>
  (await create(rpc, model, [row]))[0] as number

async function createCompany(rpc: TrytonRpc, admin: number): Promise<number> {
  const rates = [['create', [{ date: trytonDate(2024, 1, 1), rate: trytonDecimal('1') }]]]
  const currency = await one(rpc, 'currency.currency', {
    ...{ name: 'Schweizer Franken', code: 'CHF', symbol: 'Fr.', numeric_code: '756' },
    ...{ digits: 2, rounding: trytonDecimal('0.01'), rates },
  })
  const party = await one(rpc, 'party.party', { name: 'Rheinwerk Präzision AG', code: 'OWN' })
  const company = await one(rpc, 'company.company', { party, currency })
  await rpc.call('res.user', 'write', [admin], { companies: [['add', [company]]], company })
  return company
}

async function createParties(rpc: TrytonRpc): Promise<void> {
  const countries = new Map<string, number>()
  for (const [code, name] of [
    ['CH', 'Switzerland'],
    ['DE', 'Germany'],
    ['FR', 'France'],
  ] as const)
    countries.set(code, await one(rpc, 'country.country', { code, name }))
  const [customer, supplier] = await create(rpc, 'party.category', [{ name: 'Customer' }, { name: 'Supplier' }])
  const random = seededRandom(815)
  const trades = ['Optik', 'Bäckerei', 'Maschinenbau', 'Imprimerie', 'Meccanica', 'Gießerei']
  const rows = Array.from({ length: customerCount + supplierCount }, (_, i) => {
    const isCustomer = i < customerCount
    const family = pick(random, familyNames)
    const person = i % 4 === 0
    const email = { type: 'email', value: `${isCustomer ? 'kunde' : 'lieferant'}${i}@firma${i}.example` }
    const phone = { type: 'phone', value: `+41 44 555 ${String(i).padStart(4, '0')}` }
    return {
      name: person
        ? `${pick(random, givenNames)} ${family}`
        : `${family} ${pick(random, trades)} ${pick(random, ['AG', 'GmbH', 'Sàrl'])}`,
      code: `${isCustomer ? 'K' : 'L'}${10_000 + i}`,
      categories: [['add', [isCustomer ? customer : supplier]]],
      addresses: [
        [
          'create',
          [
            {
              street: `Mühlegässli ${i + 1}\nPostfach ${i}`,
              postal_code: String(4000 + i),
              city: pick(random, ['Zürich', 'Genève', 'Köln', 'Besançon']),
              country: countries.get(pick(random, ['CH', 'DE', 'FR'])),
            },
          ],
        ],
      ],
      contact_mechanisms: [['create', i % 3 ? [email, phone] : [email]]],
    } as JsonObject
  })
  for (let from = 0; from < rows.length; from += 100) await create(rpc, 'party.party', rows.slice(from, from + 100))
}

async function createProducts(rpc: TrytonRpc): Promise<void> {
  const [unit] = await rpc.read<{ id: number }>('product.uom', [['symbol', '=', 'u']], ['id'])
  const random = seededRandom(42)
  const rows = Array.from({ length: productCount }, (_, i) => ({
    name: `${pick(random, ['Schraube', 'Spindel', 'Fräser', 'Öse', 'Palier'])} ${i}`,
    code: `ART-${String(i).padStart(4, '0')}`,
    type: 'goods',
    default_uom: unit?.id as number,
    list_price: trytonDecimal((1 + random() * 900).toFixed(2)),
    products: [['create', [{ suffix_code: '', cost_price: trytonDecimal('0.10') }]]],
  }))
  await create(rpc, 'product.template', rows as JsonObject[])
}

async function createHubUser(rpc: TrytonRpc, company: number): Promise<void> {
  const groups = await rpc.read<{ id: number }>('res.group', [['name', 'not in', ['Administration']]], ['id'])
  await one(rpc, 'res.user', {
    ...{ name: 'Causeway', login: trytonHub.user, password: trytonHub.password, company },
    companies: [['add', [company]]],
    groups: [['add', groups.map((group) => group.id)]],
  })
}
