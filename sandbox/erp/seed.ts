import type { Row, Store } from '../state/index.ts'
import { past, type Random, type World } from '../world/index.ts'
import { fromUnits, lineNet, vatOf } from './money.ts'
import { dayOf, ENTITIES, type ErpRecord, moment, PAYMENT_TERMS } from './records.ts'

const DAY = 86_400_000
const GOODS = [
  'Łożysko kulkowe',
  'Förderband Größe L',
  'Pièce de rechange n°',
  'Śruba nierdzewna M8',
  'Dichtungsring Ø',
  'Éclairage d’atelier',
  'Gear wheel',
  'Żarówka przemysłowa',
  'Öl für Getriebe',
] as const
const CURRENCY: Record<string, string> = { PL: 'PLN', GB: 'GBP' }

export type NewLine = {
  line: number
  product: string
  description: string
  quantity: string
  unitPrice: string
  vatRate: string
}

/** Fills a new ERP: 180 products, 400 customers the CRM knows in part, 1,500 invoices, 400 orders. */
export function seedErp(store: Store, world: World): void {
  const random = world.random.for('erp')
  const put = (name: string, values: Row, at: number): ErpRecord => {
    const entity = ENTITIES.find((one) => one.name === name)!
    const id = store.next(name, entity.firstId)
    const number = entity.numberOf(id, new Date(at).getUTCFullYear())
    const record = { id, number, ...entity.defaults, ...values, modified: moment(at), revision: random.int(1, 9) }
    return store.table<ErpRecord>(name).put(String(id), record)
  }
  const products = Array.from({ length: 180 }, (_, i) => put('products', product(random, i), past(random)))
  const customers = seedCustomers(world, random, put)
  for (let i = 0; i < 1500; i++) {
    const at = past(random)
    const buyer = random.pick(customers)
    const lines = makeLines(random, products, random.int(1, 6))
    const status = random.pick(['posted', 'posted', 'paid', 'paid', 'paid', 'draft', 'cancelled'])
    const due = dayOf(at + 30 * DAY)
    const head = { customer: buyer.number, customerName: buyer.name, invoiceDate: dayOf(at), dueDate: due, status }
    put('invoices', { ...head, currency: buyer.currency, lines, ...invoiceTotals(lines) }, at)
  }
  for (let i = 0; i < 400; i++) {
    const at = past(random)
    const buyer = random.pick(customers)
    const lines = makeLines(random, products, random.int(1, 8))
    const total = fromUnits(
      lines.reduce((sum, line) => sum + lineNet(line.quantity, line.unitPrice), 0n),
      2,
    )
    const status = random.pick(['open', 'shipped', 'invoiced', 'invoiced', 'cancelled'])
    put('orders', { customer: buyer.number, orderDate: dayOf(at), currency: buyer.currency, status, lines, total }, at)
  }
}

const product = (random: Random, index: number): Row => ({
  name: `${random.pick(GOODS)} ${random.int(2, 99)}`,
  unit: random.pick(['szt', 'szt', 'kg', 'm']),
  price: fromUnits(BigInt(random.int(99, 250_000)), 2),
  vatRate: random.pick(['23', '19', '8']),
  gtin: `200${String(index).padStart(4, '0')}${random.digits(6)}`,
  stock: `${random.int(0, 900)}.000`,
})

function seedCustomers(
  world: World,
  random: Random,
  put: (name: string, values: Row, at: number) => ErpRecord,
): ErpRecord[] {
  const terms = (country: string, at: number) => ({
    country,
    paymentTerms: random.pick(PAYMENT_TERMS),
    currency: CURRENCY[country] ?? 'EUR',
    creditLimit: `${random.int(0, 90) * 500}.00`,
    openBalance: fromUnits(BigInt(random.int(0, 2_000_000)), 2),
    externalRef: null,
    customerSince: dayOf(at - random.int(0, 900) * DAY),
  })
  const companies = world.companies.slice(0, 150).map((company) => {
    const at = past(random)
    // The ERP spells names as accountants do, so matching by name would not get far; the VAT number is the same.
    const name = company.name.toUpperCase()
    const { country, ...place } = company.address
    const row = {
      name,
      kind: 'company',
      contactPerson: null,
      vatNumber: company.vatId,
      email: null,
      phone: company.phone,
    }
    return put('customers', { ...row, ...place, ...terms(country, at) }, at)
  })
  const buyers = world.contacts.filter((contact) => contact.stage === 'customer').slice(0, 250)
  const persons = buyers.map((person) => {
    const at = past(random)
    const name = `${person.lastName} ${person.firstName}`
    const { country, ...place } = person.address
    const row = { name, kind: 'person', contactPerson: null, vatNumber: null, email: person.email, phone: null }
    return put('customers', { ...row, ...place, ...terms(country, at) }, at)
  })
  return [...companies, ...persons]
}

export const makeLines = (random: Random, products: ErpRecord[], count: number): NewLine[] =>
  Array.from({ length: count }, (_, i) => {
    const chosen = random.pick(products)
    return {
      line: (i + 1) * 10,
      product: chosen.number,
      description: String(chosen.name),
      quantity: `${random.int(1, 40)}.${random.pick(['000', '000', '500', '125'])}`,
      unitPrice: String(chosen.price),
      vatRate: String(chosen.vatRate),
    }
  })

function invoiceTotals(lines: NewLine[]): Row {
  const nets = lines.map((line) => lineNet(line.quantity, line.unitPrice))
  const net = nets.reduce((sum, one) => sum + one, 0n)
  const vat = lines.reduce((sum, line, i) => sum + vatOf(nets[i] as bigint, line.vatRate), 0n)
  return { net: fromUnits(net, 2), vat: fromUnits(vat, 2), gross: fromUnits(net + vat, 2) }
}
