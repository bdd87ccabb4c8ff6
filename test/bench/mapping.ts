/**
 * What a mapping costs per record: JSONata's own evaluator, our compiled form, hand-written JavaScript, and the way through
 * the sandbox. Run with `node test/bench/mapping.ts`; prints microseconds per record and never fails.
 */
import jsonata from 'jsonata'
import { compileExpression, integrationFunctions } from '../../src/expression/index.ts'
import { createMappingRunner, readSoundMapping } from '../../src/mapping/index.ts'

const RECORDS = 5_000
const BATCH = 100

const fields: Record<string, string> = {
  external_id: 'id',
  name: "first_name & ' ' & last_name",
  email: '$lowercase(email)',
  phone: 'phone',
  street: 'address.street',
  city: 'address.city',
  zip: 'address.zip',
  country: "address.country = 'PL' ? 'Poland' : address.country",
  active: "status = 'active'",
  created: 'created_at',
  updated: 'updated_at',
  owner: 'owner.email',
  revenue: '$sum(deals.amount)',
  newsletter: '$boolean(opt_in) and $exists(email)',
}
for (let i = 1; i <= 11; i++) fields[`custom_${i}`] = `custom.field_${i}`

const record = (i: number) => ({
  id: `c-${i}`,
  first_name: 'Anna',
  last_name: `Nowak ${i}`,
  email: `Anna.Nowak${i}@Example.com`,
  phone: '+48 600 000 000',
  address: { street: 'Prosta 1', city: 'Warszawa', zip: '00-001', country: 'PL' },
  status: 'active',
  created_at: '2026-01-02T03:04:05.000Z',
  updated_at: '2026-02-03T04:05:06.000Z',
  owner: { email: 'owner@example.com' },
  opt_in: true,
  deals: [{ amount: 10.5 }, { amount: i }],
  custom: Object.fromEntries(
    Array.from({ length: 11 }, (_, n) => [`field_${n + 1}`, `value ${n} of record ${i}, some text`]),
  ),
})

type Source = ReturnType<typeof record>
const byHand = (r: Source) => ({
  external_id: r.id,
  name: `${r.first_name} ${r.last_name}`,
  email: r.email.toLowerCase(),
  phone: r.phone,
  street: r.address.street,
  city: r.address.city,
  zip: r.address.zip,
  country: r.address.country === 'PL' ? 'Poland' : r.address.country,
  active: r.status === 'active',
  created: r.created_at,
  updated: r.updated_at,
  owner: r.owner.email,
  revenue: r.deals.reduce((sum, deal) => sum + deal.amount, 0),
  newsletter: Boolean(r.opt_in) && r.email !== undefined,
  ...Object.fromEntries(Object.entries(r.custom).map(([key, value]) => [key.replace('field', 'custom'), value])),
})

const texts = Array.from({ length: RECORDS }, (_, i) => JSON.stringify(record(i)))
const objectExpression = `{${Object.entries(fields)
  .map(([key, source]) => `"${key}": ${source}`)
  .join(', ')}}`
const mappingText = (map: Record<string, string>) =>
  `from: a:a\nto: b:b\nmap:\n${Object.entries(map)
    .map(([key, source]) => `  ${key}: ${JSON.stringify(source)}\n`)
    .join('')}`

async function measure(label: string, work: () => Promise<unknown> | unknown): Promise<void> {
  await work()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const wall = ((performance.now() - start) * 1000) / RECORDS
  const { user, system } = process.cpuUsage(cpu)
  console.log(
    `${label.padEnd(58)} ${wall.toFixed(2).padStart(8)} µs/record  (this process ${((user + system) / RECORDS).toFixed(2)} µs CPU)`,
  )
}

const every = (work: (text: string) => unknown): void => {
  for (const text of texts) work(text)
}

const batches = <T>(items: T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) => items.slice(i * BATCH, (i + 1) * BATCH))

console.log(
  `${RECORDS} records of ${texts[0]!.length} characters, ${Object.keys(fields).length} fields, batches of ${BATCH}\n`,
)
await measure('parse only', () => every((text) => JSON.parse(text)))
await measure('parse + hand-written + stringify', () => every((text) => JSON.stringify(byHand(JSON.parse(text)))))
const compiled = compileExpression(objectExpression, { functions: integrationFunctions })
await measure(`parse + compiled (${compiled.isSync ? 'direct' : 'FALLBACK'}) + stringify`, () =>
  every((text) => JSON.stringify(compiled.evaluateSync(JSON.parse(text)))),
)
const reference = jsonata(objectExpression)
await measure('parse + jsonata + stringify', async () => {
  for (const text of texts) JSON.stringify(await reference.evaluate(JSON.parse(text)))
})

const inputs = texts.map((body, i) => ({ id: String(i), body }))
async function sandboxed(label: string, map: Record<string, string>, processes: number, parallel: boolean) {
  const runner = createMappingRunner({ processes })
  const sync = readSoundMapping(mappingText(map), 'bench.yaml').definition
  await measure(label, async () => {
    if (parallel) await Promise.all(batches(inputs).map((batch) => runner.map(sync, batch)))
    else for (const batch of batches(inputs)) await runner.map(sync, batch)
  })
  await runner.close()
}
await sandboxed('sandbox, one batch at a time', fields, 1, false)
await sandboxed('sandbox, batches in parallel', fields, 1, true)
await sandboxed('sandbox, two processes', fields, 2, true)
const identity = { all: '$' }
await sandboxed('sandbox, identity, one batch at a time', identity, 1, false)
const regex = { ...fields, phone: '$replace(phone, /[^0-9+]/, "")', ref: '$map(deals, function($d) { $d.amount })' }
await sandboxed('sandbox, with a regular expression and a lambda', regex, 1, false)
const evaluated = { ...fields, ref: '$eval("deals.amount")' }
await sandboxed('sandbox, one field on the reference evaluator', evaluated, 1, false)
