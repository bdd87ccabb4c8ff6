/** The records of the bench: 25 fields, about 1.2 kB of JSON, the same for every contender and every run. */

export type Contact = Record<string, unknown>

const FIRST = ['Anna', 'Jürgen', 'Zofia', 'Łukasz', 'Chloé', 'Tom', 'Ingrid', 'Paweł']
const LAST = ['Nowak', 'Müller', 'Dubois', 'Kowalska', 'Smith', 'Żuraw', 'Weiß', 'Lind']
const CITIES = ['Kraków', 'Zürich', 'Lyon', 'Leeds', 'Gdańsk', 'Köln']
const COUNTRIES = ['PL', 'CH', 'FR', 'GB', 'PL', 'DE']

const pick = <T>(from: readonly T[], i: number): T => from[i % from.length]!

export function contact(i: number): Contact {
  const first = pick(FIRST, i)
  const last = pick(LAST, i * 7)
  return {
    id: 100_000 + i,
    created_at: new Date(1_600_000_000_000 + i * 60_000).toISOString(),
    updated_at: new Date(1_700_000_000_000 + i * 1_000).toISOString(),
    first_name: first,
    last_name: last,
    email: `${first}.${last}.${i}@Example.Test`,
    phone: `+48 (${(i % 90) + 10}) 555-${String(i % 10_000).padStart(4, '0')}`,
    mobile: `0048 600 ${String(i % 1_000).padStart(3, '0')} 111`,
    job_title: i % 3 ? 'Head of Procurement and Logistics' : 'Engineer',
    company: { id: i % 3_000, name: `Muster & Söhne ${i % 3_000} GmbH`, vat: `PL${5_000_000_000 + i}` },
    address: {
      street: `Długa ${i % 200}`,
      city: pick(CITIES, i),
      zip: `${(i % 90) + 10}-${(i % 900) + 100}`,
      country: pick(COUNTRIES, i),
    },
    language: pick(['pl', 'de', 'fr', 'en'], i),
    status: pick(['lead', 'customer', 'partner'], i),
    score: (i * 37) % 100,
    vip: i % 17 === 0,
    newsletter: i % 2 === 0,
    tags: [pick(['trade fair', 'web', 'referral'], i), pick(['gold', 'silver'], i)],
    notes:
      'Prefers to be called in the morning; invoices go to the head office by e-mail and never by post. Asked twice for the new catalogue.',
    owner: { id: i % 40, name: `Owner ${i % 40}` },
    credit_limit: (i % 50) * 1_000 + 0.5,
    currency: pick(['PLN', 'CHF', 'EUR', 'GBP'], i),
    lines: [
      { sku: `SKU-${i % 500}`, qty: (i % 9) + 1, price: 12.5 },
      { sku: `SKU-${(i + 7) % 500}`, qty: 2, price: 99.95 },
    ],
    source: 'trade-fair-2026',
    external_ref: `X-${i}`,
    last_contact: new Date(1_690_000_000_000 + i * 3_600_000).toISOString(),
  }
}

/** The fields that hand-written mappings read. */
export type ContactFields = {
  id: number
  first_name: string
  last_name: string
  email: string
  phone: string
  job_title: string
  language: string
  status: string
  vip: boolean
  tags: string[]
  credit_limit: number
  currency: string
  updated_at: string
  external_ref: string
  company: { name: string; vat: string }
  address: { street: string; city: string; zip: string; country: string }
  lines: { sku: string; qty: number; price: number }[]
}

/** What the JSONata mapping gives, in plain JavaScript: the hand-written contender and the check of the target use it. */
export function mapByHand(record: Contact): Contact {
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
    vat_number: r.company.vat,
    address: { line1: r.address.street, city: r.address.city, postcode: r.address.zip, country: r.address.country },
    lang: r.language === 'pl' ? 'Polish' : r.language === 'de' ? 'German' : 'Other',
    type: r.status === 'customer' ? 'C' : 'P',
    vip: r.vip,
    labels: r.tags.join(','),
    credit: { amount: r.credit_limit, currency: r.currency },
    order_total: total,
    items: r.lines.map((line) => ({ article: line.sku, quantity: line.qty })),
    changed: r.updated_at,
    ref: r.external_ref,
  }
}

/** Field → JSONata: the mapping file of the bench is written from this, and the axios + jsonata script runs it. */
export const MAPPING: Record<string, string> = {
  external_id: '$string(id)',
  name: 'first_name & " " & last_name',
  email: '$lowercase(email)',
  phone: '$replace(phone, /[^0-9+]/, "")',
  title: 'job_title',
  company: 'company.name',
  vat_number: 'company.vat',
  address: '{"line1": address.street, "city": address.city, "postcode": address.zip, "country": address.country}',
  lang: 'language = "pl" ? "Polish" : language = "de" ? "German" : "Other"',
  type: 'status = "customer" ? "C" : "P"',
  vip: 'vip',
  labels: '$join(tags, ",")',
  credit: '{"amount": credit_limit, "currency": currency}',
  order_total: '$sum(lines.(qty * price))',
  items: 'lines.{"article": sku, "quantity": qty}[]',
  changed: 'updated_at',
  ref: 'external_ref',
}
