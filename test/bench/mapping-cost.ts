/**
 * What mapping a record costs: JSONata's own evaluator, our compiled form, and JavaScript by hand, side by side in one process
 * on records that were parsed a moment ago and are mapped once. Parsing and spelling are not counted: all three need them.
 */
import jsonata from 'jsonata'
import { compileExpression, integrationFunctions } from '../../src/expression/index.ts'
import { type Contact, type ContactFields, contact, MAPPING } from './records.ts'

const RECORDS = 3_000
const ROUNDS = 5
/** After the very first record: what is mapped before any code is optimised. */
const COLD = 20

const COUNTRIES: Record<string, string> = {
  PL: 'Poland',
  CH: 'Switzerland',
  FR: 'France',
  GB: 'United Kingdom',
  DE: 'Germany',
}

/** 14 fields: concatenation, lower case, clean-up, nested object with a look-up, conditions, a sum, a list of objects. */
const { vat_number: _vat, credit: _credit, ref: _ref, ...SHARED } = MAPPING
const FIELDS: Record<string, string> = {
  ...SHARED,
  address: `{"line1": address.street, "city": address.city, "postcode": address.zip, "country": $lookup(${JSON.stringify(COUNTRIES)}, address.country)}`,
}
const SOURCE = `{${Object.entries(FIELDS)
  .map(([field, expression]) => `"${field}": ${expression}`)
  .join(', ')}}`

function byHand(record: Contact): Contact {
  const r = record as ContactFields
  let total = 0
  for (const line of r.lines) total += line.qty * line.price
  return {
    external_id: String(r.id),
    name: `${r.first_name} ${r.last_name}`,
    email: r.email.toLowerCase(),
    phone: r.phone.replace(/[^0-9+]/g, ''),
    title: r.job_title,
    company: r.company.name,
    address: {
      line1: r.address.street,
      city: r.address.city,
      postcode: r.address.zip,
      country: COUNTRIES[r.address.country],
    },
    lang: r.language === 'pl' ? 'Polish' : r.language === 'de' ? 'German' : 'Other',
    type: r.status === 'customer' ? 'C' : 'P',
    vip: r.vip,
    labels: r.tags.join(','),
    order_total: total,
    items: r.lines.map((line) => ({ article: line.sku, quantity: line.qty })),
    changed: r.updated_at,
  }
}

const fresh = (count: number): Contact[] =>
  JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => contact(i))))
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Microseconds of CPU per record. */
async function cost(count: number, map: (record: Contact) => unknown): Promise<number> {
  const records = fresh(count)
  const before = cpu()
  let kept: unknown
  for (const record of records) {
    const made = map(record)
    kept = made instanceof Promise ? await made : made
  }
  if (kept === undefined) throw new Error('nothing was mapped')
  return (cpu() - before) / count
}

const reference = jsonata(SOURCE)
const compiled = compileExpression(SOURCE, { functions: integrationFunctions })
const ways: Record<string, (record: Contact) => unknown> = {
  jsonata: (record) => reference.evaluate(record),
  compiled: (record) => compiled.evaluateSync(record),
  'hand-written': byHand,
}

/** The cheapest of some rounds: what else runs on the machine only ever adds. */
async function best(count: number, rounds: number, map: (record: Contact) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) least = Math.min(least, await cost(count, map))
  return least
}

const cold: Record<string, number> = {}
for (const [name, map] of Object.entries(ways)) {
  await map(contact(0))
  cold[name] = await cost(COLD, map)
}
const sample = fresh(50)
for (const record of sample) {
  const wanted = JSON.stringify(byHand(record))
  for (const [name, map] of Object.entries(ways))
    if (JSON.stringify(await map(record)) !== wanted) throw new Error(`${name} maps to something else`)
}

const warm: Record<string, number> = {}
for (const [name, map] of Object.entries(ways)) warm[name] = await best(RECORDS, ROUNDS, map)

console.log(`\nMapping of ${Object.keys(FIELDS).length} fields, best of ${ROUNDS} rounds of ${RECORDS} fresh records`)
console.table(
  Object.keys(ways).map((name) => ({
    way: name,
    'CPU µs/record': Number(warm[name]!.toFixed(2)),
    'times as fast as jsonata': Number((warm.jsonata! / warm[name]!).toFixed(1)),
    'times as slow as by hand': Number((warm[name]! / warm['hand-written']!).toFixed(1)),
    [`µs, records 2 to ${COLD + 1}`]: Number(cold[name]!.toFixed(0)),
  })),
)
