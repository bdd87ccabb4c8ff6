/** Two-way files: two mappings from one, places that stay true, and what is refused. */
import { expect, test } from 'vitest'
import { checkSync, createMappingRunner, readMapping, readSoundMapping, runSuite } from '../../src/mapping/index.ts'

const FILE = `sync: people
from: crm:contacts
to: desk:users
match: [EmailAddress]
map:
  Label: $uppercase(name)
  Phone: $trim(phone)
back:
  phone: Phone
  source: "'desk'"
both:
  name: RealName
  email: EmailAddress
  address.city: City
conflict: { default: newest, fields: { Phone: from } }
back_when: $not(Disabled = true)
deletes: { policy: delete, max_count: 3 }
`
const read = (text: string) => readMapping(text, 'people.yaml')
const problems = (text: string) =>
  read(text).findings.map(({ message, place }) => `${place.line}:${place.column} ${message}`)

test('a file with a way back is two syncs that know each other', () => {
  const { mapping, findings } = read(FILE)
  expect(findings).toEqual([])
  const [there, back] = [mapping!.definition, mapping!.back!.definition]
  expect(there).toMatchObject({
    name: 'people',
    match: [['EmailAddress']],
    deletes: 'delete',
    writes: ['Label', 'Phone', 'RealName', 'EmailAddress', 'City'],
    twoWay: {
      direction: 'forward',
      partner: 'people~back',
      conflict: { default: 'newest', fields: { Phone: 'from' } },
      pairs: { RealName: ['name'], EmailAddress: ['email'], City: ['address'], Phone: ['phone'] },
      paths: { RealName: 'name', EmailAddress: 'email', City: 'address.city' },
    },
  })
  expect(back).toMatchObject({
    name: 'people~back',
    from: { connection: 'desk', stream: 'users' },
    to: { connection: 'crm', stream: 'contacts' },
    match: [['email']],
    deletes: 'ignore',
    deleteLimits: { maxCount: 3 },
    writes: ['phone', 'source', 'name', 'email', 'address'],
    twoWay: {
      direction: 'back',
      partner: 'people',
      conflict: { default: 'newest', fields: { phone: 'from' } },
      paths: { name: 'RealName', email: 'EmailAddress', 'address.city': 'City' },
    },
  })
  // Another policy decides otherwise, so it is another version.
  expect(read(FILE.replace('newest', 'to')).mapping!.definition.version).not.toBe(there.version)
})

test('both directions map records, and tests run the one they name', async () => {
  const tests = `tests:
  - name: there
    given: { body: { name: Anna, phone: " 1 ", email: a@b.example, address: { city: Lodz } } }
    expect: { equals: { Label: ANNA, Phone: "1", RealName: Anna, EmailAddress: a@b.example, City: Lodz } }
  - name: home
    back: true
    given: { body: { Phone: "1", RealName: Anna, City: Lodz } }
    expect: { equals: { phone: "1", source: desk, name: Anna, address: { city: Lodz } } }
  - name: not at all
    back: true
    given: { body: { Disabled: true } }
    expect: { filtered: true }
`
  const runner = createMappingRunner()
  try {
    const there = await runSuite(readSoundMapping(FILE + tests, 'p.yaml').definition, { runner })
    // What only the name of a definition tells: its other fields are copied when files are read.
    const back = { ...readSoundMapping(FILE + tests, 'p.yaml', undefined, true).definition }
    const home = await runSuite(back, { runner })
    const names = (results: typeof there.results) => results.map(({ name, ok }) => [name, ok])
    expect(names(there.results)).toEqual([['there', true]])
    expect(names(home.results)).toEqual([
      ['home', true],
      ['not at all', true],
    ])
  } finally {
    await runner.close()
  }
})

test('findings of both directions stand where the file says it', () => {
  expect(problems(FILE.replace('name: RealName', '"a b": RealName'))).toEqual([])
  expect(problems(FILE.replace('phone: Phone\n', 'phone: $uppercas(Phone)\n'))).toEqual([
    '9:10 there is no function $uppercas',
  ])
  const schema = { type: 'object', additionalProperties: false, properties: { phone: {}, name: {}, address: {} } }
  const abilities = {
    read: true,
    create: true,
    update: true,
    upsert: false,
    delete: true,
    content: false,
    lookup: ['email'],
  }
  const { mapping } = read(FILE)
  const { definition } = mapping!.back!
  const found = checkSync(definition, {
    from: { abilities, readSchema: { type: 'object', additionalProperties: false, properties: { Phone: {} } } },
    to: { abilities, writeSchema: schema },
  })
  expect(found.map(({ message, place }) => `${place.line} ${message}`)).toEqual(
    expect.arrayContaining(['10 the target has no field "source"', '13 the target has no field "email"']),
  )
})

test.each([
  ['conflict: newest', 'one-way', '4:11 "conflict" is for two-way syncs'],
  ['both: { name: Name }', 'both', 'nothing finds the records of "from"'],
  ['both: { name: Name }\nback_mode: update-only\nmap: { Name: x }', 'both', '"name: Name" stands in "map" too'],
  ['both: { name: Name, x: Name }\nback_mode: update-only', 'both', 'stands in another line of "both" too'],
  ['both: { name: Name }\nback_mode: update-only\nconflict: newst', 'both', 'Did you mean "newest"?'],
  ['both: { name: Name }\nback_mode: update-only\nconflict: { fields: { Nam: to } }', 'both', '"conflict" names "Nam"'],
  ['both: { name: Name }\nback_mode: update-only\nmode: mirror', 'both', 'leaves no way back'],
  ['both: { name: Name }\nback_mode: update-only\neach: { of: a, key: b, map: { c: d } }', 'both', 'has no way back'],
  ['map: { Name: full }\nback: { name: Name }\nback_mode: update-only', 'both', '"name" comes back from "Name"'],
])('%s', (text, kind, wanted) => {
  const head = kind === 'one-way' ? 'from: a:a\nto: b:b\nmap: { x: y }\n' : 'from: a:a\nto: b:b\n'
  const { findings } = read(`${head}${text}\n`)
  expect(
    findings.map(({ message, fix, place }) => `${place.line}:${place.column} ${message} ${fix}`).join('\n'),
  ).toContain(wanted)
})

test('fields that share an object on the other side go both ways, each with the policy of the object', () => {
  const { mapping } = read(`sync: people
from: crm:contacts
to: desk:users
match: [email]
both: { email: email, town: address.city, zip: address.zip }
conflict: { default: newest, fields: { address: from } }
`)
  const [there, back] = [mapping!.definition.twoWay!, mapping!.back!.definition.twoWay!]
  expect(there.pairs).toEqual({ email: ['email'], address: ['town', 'zip'] })
  expect(back.pairs).toEqual({ email: ['email'], town: ['address'], zip: ['address'] })
  expect(back.conflict.fields).toEqual({ town: 'from', zip: 'from' })
})
