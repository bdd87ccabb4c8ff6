/** Real records as tests: nothing that is secret or personal comes into the file, and the test passes as it was saved. */
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { saveTest } from '../../src/assemble/planning.ts'
import { parseYamlData } from '../../src/core/index.ts'
import { createMappingRunner, readSoundMapping, runSuite, saveAsTest } from '../../src/mapping/index.ts'
import { TestHub, type TestSync } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'

const runner = createMappingRunner()
afterAll(() => runner.close())

const MAPPING = `from: crm:contacts
to: erp:customers
match: [email]
when: stage = 'customer'
with:
  company: { from: crm:companies, key: companyId }
  orders: { from: crm:orders, key: id, field: contact, take: many }
tables:
  terms: { values: { net thirty: 30 } }
map:
  email: $lowercase(email)
  name: first & ' ' & last
  company: $company.name
  token: api_token
  terms: $table('terms', terms)
  since: $now('[Y0001]')
  total: $sum($orders.amount)
  owner: $ref('crm', 'users', ownerId)
  notes: notes
  all: $$
`
const { definition } = readSoundMapping(MAPPING, 'contacts.yaml')
const STAYS = { stage: 'customer', terms: 'net thirty', country: 'PL', amount: 1, when: '2026-03-04T05:06:07Z' }

/** Runs the mapping with the saved test in it, as `causeway test` would. */
async function passes(saved: string): Promise<unknown> {
  const text = `${MAPPING}tests:\n${saved.replace(/^/gm, '  ')}`
  const { results } = await runSuite(readSoundMapping(text, 'contacts.yaml').definition, { runner })
  return results.map(({ ok, difference }) => [ok, difference])
}

/** A value nobody could have by chance: twelve letters, with what makes it look like what the field holds. */
const canary = fc.stringMatching(/^[a-z]{12}$/)
const digits = fc.stringMatching(/^[1-9][0-9]{10}$/)

test('no secret and nothing personal of a record survives in its test, wherever it stands (property)', async () => {
  const ages = new Set<unknown>()
  await fc.assert(
    fc.asyncProperty(fc.array(canary, { minLength: 14, maxLength: 14 }), digits, async (words, number) => {
      const [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = words as [string, ...string[]] & string[]
      const body = {
        ...STAYS,
        id: number,
        email: `${a}@${b}.example`,
        first: c,
        last: `${d!.toUpperCase()}-Żółć`,
        api_token: e,
        password: { old: f, list: [f] },
        session: { clientSecret: g, url: `https://${h}.example/files?sig=${i}` },
        notes: `Call ${c} at +48${number} or write to ${a}@${b}.example`,
        phones: [`+48 ${number}`, Number(number)],
        birthday: '1971-05-06',
        since: '1971-05-06',
        born: '1971-05-06T00:00:00Z',
        paid: 4210.5,
        turned: 47,
        [`${j}@mail.example`]: k,
        companyId: l,
        ownerId: m,
        status: n,
      }
      const joins = {
        company: JSON.stringify({ id: l, name: `${d} Ltd`, access_token: e }),
        orders: JSON.stringify([{ contact: number, amount: 4210.5, secret: g }]),
      }
      const {
        test: saved,
        outcome,
        tested,
      } = await saveAsTest(
        definition,
        { id: number, body: JSON.stringify(body), joins },
        { name: 'saved', runner, keep: ['status', 'password', 'session'] },
      )
      const survivors = [...words.slice(0, 13), number, '1971-05-06', '4210.5'].filter(
        // Of what is kept on purpose only secrets are looked for.
        (word) => ![h, i].includes(word) && saved.toLowerCase().includes(word),
      )
      expect(survivors).toEqual([])
      // What may stay is there, the other values agree with each other, and the mapping takes the same way.
      const [{ given, expect: wanted }] = parseYamlData(saved) as [{ given: Given; expect: { equals: Given['body'] } }]
      expect(given.body).toMatchObject({ ...STAYS, status: n, api_token: '***', password: '***' })
      expect(given.body.session).toMatchObject({ clientSecret: '***' })
      ages.add(given.body.turned)
      expect(given.body.email).toMatch(/^[a-z]{12}@example\.org$/)
      expect([given.id, given.with.company!.id]).toEqual([given.body.id, given.body.companyId])
      expect(wanted.equals).toMatchObject({ total: given.body.paid, terms: 30, since: '2026', token: '***' })
      expect(given.body.since).toBe(given.body.birthday)
      expect([outcome, tested]).toEqual(['mapped', 'mapped'])
      expect(await passes(saved)).toEqual([[true, undefined]])
    }),
    { numRuns: 25 },
  )
  // Among so many, one is another number than it was.
  expect(ages.size).toBeGreaterThan(1)
})

type Given = { id: string; body: Record<string, unknown>; with: Record<string, Record<string, unknown>> }

test('numbers keep their spelling, and a record that ends otherwise with its values replaced is told', async () => {
  const save = (body: string, keep: string[] = []) =>
    saveAsTest(definition, { id: 'x', body, joins: { company: 'null', orders: '[]' } }, { name: 'saved', runner, keep })
  const exact = await save('{"stage":"customer","terms":"net thirty","price":0.10,"big":9223372036854775807}', [
    'price',
  ])
  expect(exact.test).toContain('0.10')
  expect(await passes(exact.test)).toEqual([[true, undefined]])
  const missed = await save('{"stage":"customer","terms":"unheard of"}')
  expect([missed.outcome, missed.tested]).toEqual(['CSW-4007', 'CSW-4007'])
  expect(await passes(missed.test)).toEqual([[true, undefined]])
})

test('a record of the log is saved with what it joins, by its id, and deleted ones are refused', async () => {
  const crm = new MemorySystem().stream('contacts').stream('companies').stream('orders').stream('users')
  const erp = new MemorySystem().stream('customers')
  crm.put('companies', 'k1', { name: 'Canary Company', terms: 'net thirty' })
  crm.put('contacts', 'c1', { stage: 'customer', email: 'ada@canary.example', companyId: 'k1', terms: 'net thirty' })
  crm.put('contacts', 'c2', { stage: 'lead' })
  const sync: TestSync = {
    name: 'contacts',
    from: 'crm:contacts',
    to: 'erp:customers',
    match: [['email']],
    source: MAPPING,
    version: definition.version,
    joins: definition.joins,
    run: () => ({ status: 'filtered' }),
  }
  const hub = await TestHub.open({ crm, erp }, [sync])
  for (const stream of ['contacts', 'companies', 'orders']) await hub.pull(`crm:${stream}`)
  const signal = new AbortController().signal
  const byName = hub.ports.model().syncByName.bind(hub.ports.model())
  const model = () => ({
    ...hub.ports.model(),
    sync: (id: number) => ({ ...hub.ports.model().sync(id)!, definition }),
    syncByName: (name: string) => ({ ...byName(name)!, definition }),
  })
  const ports = { ...hub.ports, mappings: runner, model }
  const saved = await saveTest(ports, 'contacts', { input: { record: 'c1' } }, signal)
  expect(saved.test.toLowerCase()).not.toMatch(/canary|\bada\b/)
  expect(saved).toMatchObject({ file: 'contacts.yaml', outcome: 'mapped', tested: 'mapped' })
  expect(await passes(saved.test)).toEqual([[true, undefined]])
  // A record that somebody brings joins what the log has, or what they say it joins.
  const text = JSON.stringify({ stage: 'customer', email: 'eve@canary.example', companyId: 'k1', amount: 1 })
  const brought = await saveTest(ports, 'contacts', { input: { text, id: 'pasted' } }, signal)
  expect(brought).toMatchObject({ outcome: 'mapped', tested: 'mapped' })
  expect(brought.test).toMatch(/company:\n +name: /)
  expect(brought.test.toLowerCase()).not.toMatch(/canary|eve@/)
  expect(await passes(brought.test)).toEqual([[true, undefined]])
  const joins = '{"company":null,"orders":[{"amount":9007199254740993}]}'
  const given = await saveTest(ports, 'contacts', { input: { text, id: 'pasted', joins } }, signal)
  expect(given.test).toContain('company: null')
  expect(await passes(given.test)).toEqual([[true, undefined]])
  for (const wrong of ['{', '[]', '{"companies":{}}', '{"company":[]}', '{"orders":{}}'])
    await expect(
      saveTest(ports, 'contacts', { input: { text, id: 'pasted', joins: wrong } }, signal),
    ).rejects.toMatchObject({ code: 'CSW-8003' })
  expect((await saveTest(ports, 'contacts', { input: { record: 'c2' }, name: 'a lead' }, signal)).test).toContain(
    'filtered: true',
  )
  await expect(saveTest(ports, 'contacts', { input: { record: 'nobody' } }, signal)).rejects.toMatchObject({
    code: 'CSW-1007',
  })
  crm.remove('contacts', 'c2')
  await hub.pull('crm:contacts')
  await expect(saveTest(ports, 'contacts', { input: { record: 'c2' } }, signal)).rejects.toMatchObject({
    code: 'CSW-8008',
  })
})
