/** A manifest against its vendor's description: what it sends and reads is known, unknown or wrong, with the place. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkAgainstSpec, draftInto } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-spec-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const contact = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    updated_at: { type: 'string', format: 'date-time' },
    address: { $ref: '#/components/schemas/Address' },
  },
}
const answer = (schema: object) => ({ 200: { description: 'ok', content: { 'application/json': { schema } } } })
const reference = { $ref: '#/components/schemas/Contact' }
const OPENAPI = {
  openapi: '3.0.3',
  info: { title: 'Acme', version: '1' },
  servers: [{ url: 'https://api.acme.example/v2' }],
  paths: {
    '/contacts': {
      get: {
        parameters: ['limit', 'after', 'updated_since'].map((name) => ({
          name,
          in: 'query',
          schema: { type: 'string' },
        })),
        responses: answer({
          type: 'object',
          properties: {
            data: { type: 'array', items: reference },
            paging: {
              type: 'object',
              properties: { next: { type: 'object', properties: { after: { type: 'string' } } } },
            },
          },
        }),
      },
      post: {
        requestBody: {
          content: { 'application/json': { schema: { type: 'object', properties: { contact: reference } } } },
        },
        responses: answer({ type: 'object', properties: { contact: reference } }),
      },
    },
    '/contacts/{id}': {
      get: { responses: answer(reference) },
      patch: { requestBody: { content: { 'application/json': { schema: reference } } }, responses: answer(reference) },
      delete: { responses: { 204: { description: 'gone' } } },
    },
  },
  components: {
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
    schemas: {
      Contact: contact,
      Address: {
        allOf: [
          { type: 'object', properties: { city: { type: 'string' } } },
          { type: 'object', properties: { zip: { type: 'string' } } },
        ],
      },
    },
  },
}

const MANIFEST = `
language: 1
name: acme
title: Acme
protocol: rest
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }/v2
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.updated_at }
    schema: { type: object, properties: { id: { type: string }, name: { type: string }, town: { type: string } } }
    write_schema: { type: object, properties: { name: { type: string }, address: { type: object, properties: { city: { type: string } } } } }
    read:
      path: /contacts
      query: { limit: "\${ page.size }", after: "\${ cursor }", updated_since: "\${ since }" }
      records: 'response.data.$merge([$, { "town": address.city }])'
      paging: { kind: cursor, next: response.paging.next.after }
      incremental: { value: record.updated_at, format: iso_seconds }
    fetch: { path: "/contacts/\${ id }", records: 'response.$merge([$, { "town": address.city }])' }
    write:
      create: { path: /contacts, body: { contact: "\${ values }" }, id: response.contact.id }
      update: { path: "/contacts/\${ id }", body: "\${ values }" }
      delete: { path: "/contacts/\${ id }" }
`

let made = 0
async function check(manifest: string, spec: object | string = OPENAPI, specName = 'api.json', samples?: string) {
  const folder = join(root, String(++made), 'acme')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'connector.yaml'), manifest)
  if (samples !== undefined) {
    mkdirSync(join(folder, 'samples'))
    writeFileSync(join(folder, 'samples', 'api.yaml'), samples)
  }
  const file = join(folder, specName)
  writeFileSync(file, typeof spec === 'string' ? spec : JSON.stringify(spec))
  const catalogue = loadConnectors([join(folder, '..')])
  expect(catalogue.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return checkAgainstSpec(catalogue, 'acme', [file])
}

test('a manifest that fits is checked to the last member, through functions and constructors', async () => {
  const { counts, rows } = await check(MANIFEST)
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
  expect(counts.checked).toBeGreaterThan(25)
})

test.each([
  ['/contacts\n', '/kontakts\n', 'GET /kontakts'],
  ['limit: "', 'size: "', 'size'],
  ['response.data.', 'response.items.', 'response.items'],
  ['paging.next.after', 'paging.next.cursor', 'response.paging.next.cursor'],
  ['value: record.updated_at, format', 'value: record.updatedAt, format', 'record.updatedAt'],
  ['"town": address.city', '"town": address.town', 'response.data.address.town'],
  ['name: { type: string }, town', 'nom: { type: string }, town', 'nom'],
  ['body: { contact:', 'body: { kontakt:', 'kontakt'],
  [
    'properties: { city: { type: string } } } } }',
    'properties: { town: { type: string } } } } }',
    'contact.address.town',
  ],
  ['id: response.contact.id', 'id: response.id', 'response.id'],
])('%s for %s is wrong, and where', async (from, to, name) => {
  expect(MANIFEST).toContain(from)
  const { rows, ok } = await check(MANIFEST.replace(from, to))
  const wrong = rows.filter(({ verdict }) => verdict === 'wrong')
  expect(ok).toBe(false)
  expect(wrong.map((row) => row.name)).toContain(name)
  expect(wrong[0]!.place).toMatch(/connector\.yaml:\d+:\d+$/)
})

test('the call for very many and the log of changes are held against it too', async () => {
  const many = `update:
        bulk: { above: 50, size: 100, path: /contacts/many, body: { contacts: "\${ items }" } }
`
  const log = `changes:
        path: /changes
        query: { after: "\${ cursor }", since: "\${ since }" }
        records: response.entries
        paging: { kind: cursor, next: response.next }
        incremental: { value: record.at }
        id: record.about
        keeps_seconds: 60
`
  const incremental = /incremental: \{[^}]*\}\n/
  expect(MANIFEST).toMatch(incremental)
  const named = async (manifest: string) =>
    (await check(manifest)).rows.map(({ name, verdict }) => `${verdict} ${name}`)
  expect(await named(MANIFEST.replace('update: {', `${many}        path: "/contacts/\${ id }"\n        #`))).toContain(
    'wrong POST /contacts/many',
  )
  expect(
    await named(MANIFEST.replace(incremental, log).replace('updated_since: "${ since }"', 'updated_since: null')),
  ).toContain('wrong GET /changes')
})

/** The same API, described in other ways: the manifest fits each of them, and each of them finds the same faults. */
const schemas = OPENAPI.components.schemas
const variants: Record<string, () => object> = {
  'OpenAPI 3.1, null as a type and beside references': () => ({
    ...OPENAPI,
    openapi: '3.1.0',
    components: {
      schemas: {
        Address: schemas.Address,
        Contact: {
          ...contact,
          properties: {
            ...contact.properties,
            name: { type: ['string', 'null'] },
            address: { anyOf: [{ $ref: '#/components/schemas/Address', description: 'home' }, { type: 'null' }] },
          },
        },
      },
    },
  }),
  'kinds told apart by a discriminator': () => ({
    ...OPENAPI,
    components: {
      schemas: {
        Address: schemas.Address,
        Contact: { type: 'object', discriminator: { propertyName: 'kind' }, properties: { id: { type: 'string' } } },
        Person: { allOf: [{ $ref: '#/components/schemas/Contact' }, contact] },
      },
    },
  }),
  'alternatives within a whole': () => ({
    ...OPENAPI,
    components: {
      schemas: {
        Address: schemas.Address,
        Contact: {
          allOf: [
            {
              properties: { id: contact.properties.id },
              oneOf: [{ properties: { name: contact.properties.name } }, { properties: { fax: {} } }],
            },
            { anyOf: [{ properties: { updated_at: { type: 'string' }, address: contact.properties.address } }] },
          ],
        },
      },
    },
  }),
  'servers with variables, at the path': () => ({
    ...OPENAPI,
    servers: [{ url: '{scheme}://{shop}.acme.example/' }],
    paths: Object.fromEntries(
      Object.entries(OPENAPI.paths).map(([path, item]) => [
        path,
        { ...item, servers: [{ url: 'https://{shop}.acme.example/v2/' }] },
      ]),
    ),
  }),
  'a base path in a variable of the server, other names of parameters, methods in capitals': () => ({
    ...OPENAPI,
    servers: [
      {
        url: 'https://{shop}.acme.example/{base}',
        variables: { shop: { default: 'x' }, base: { default: 'api/v2', enum: ['v2'] } },
      },
    ],
    paths: {
      contacts: { GET: OPENAPI.paths['/contacts'].get, POST: OPENAPI.paths['/contacts'].post },
      '/contacts/{contact-id}/': OPENAPI.paths['/contacts/{id}'],
    },
  }),
  'a server with a path only; bodies, answers, parameters and whole paths by reference': () => ({
    ...OPENAPI,
    servers: [{ url: 'v2' }],
    paths: { $ref: '#/components/x-paths' },
    components: {
      schemas,
      parameters: {
        limit: { name: 'limit', in: 'query', content: { 'application/json': { schema: { type: 'integer' } } } },
      },
      requestBodies: { Contact: OPENAPI.paths['/contacts/{id}'].patch.requestBody },
      responses: { Contact: OPENAPI.paths['/contacts/{id}'].patch.responses[200] },
      pathItems: {
        One: {
          ...OPENAPI.paths['/contacts/{id}'],
          patch: {
            requestBody: { $ref: '#/components/requestBodies/Contact' },
            responses: { '2XX': { $ref: '#/components/responses/Contact' } },
          },
        },
      },
      'x-paths': {
        '/contacts': {
          ...OPENAPI.paths['/contacts'],
          parameters: [{ $ref: '#/components/parameters/limit' }],
          get: {
            ...OPENAPI.paths['/contacts'].get,
            parameters: OPENAPI.paths['/contacts'].get.parameters.slice(1),
            responses: { default: OPENAPI.paths['/contacts'].get.responses[200] },
          },
        },
        '/contacts/{id}': { $ref: '#/components/pathItems/One', summary: 'One contact' },
      },
    },
  }),
  'kinds of content of its own, and patches beside merge patches': () => ({
    ...OPENAPI,
    paths: {
      '/contacts': JSON.parse(
        JSON.stringify(OPENAPI.paths['/contacts']).replaceAll(
          'application/json',
          'application/vnd.acme.v2+json; charset=utf-8',
        ),
      ) as object,
      '/contacts/{id}': {
        ...OPENAPI.paths['/contacts/{id}'],
        patch: {
          ...OPENAPI.paths['/contacts/{id}'].patch,
          requestBody: {
            content: {
              'application/json-patch+json': {
                schema: { type: 'array', items: { type: 'object', properties: { op: {}, path: {} } } },
              },
              'application/merge-patch+json': { schema: reference },
            },
          },
        },
      },
    },
  }),
  'anchors, and alternatives that only say what has to be there': () => ({
    ...OPENAPI,
    openapi: '3.1.0',
    components: {
      schemas: {
        Address: { $anchor: 'address', ...schemas.Address },
        Contact: {
          ...contact,
          properties: { ...contact.properties, address: { $ref: '#address', nullable: true } },
          anyOf: [{ required: ['id'] }, { required: ['name'] }],
        },
      },
    },
  }),
  'parameters of one object, spread over the query': () => ({
    ...OPENAPI,
    paths: {
      ...OPENAPI.paths,
      '/contacts': {
        ...OPENAPI.paths['/contacts'],
        get: {
          ...OPENAPI.paths['/contacts'].get,
          parameters: [
            {
              name: 'options',
              in: 'query',
              schema: { type: 'object', properties: { limit: { type: 'integer' }, after: {}, updated_since: {} } },
            },
          ],
        },
      },
    },
  }),
}

test.each(Object.entries(variants))('%s', async (_, describe) => {
  const { rows } = await check(MANIFEST, describe())
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
  const faulty = MANIFEST.replace('limit: "', 'size: "').replace('"town": address.city', '"town": address.town')
  const wrong = (await check(faulty, describe())).rows.filter(({ verdict }) => verdict === 'wrong')
  expect(new Set(wrong.map(({ name }) => name))).toEqual(new Set(['size', 'response.data.address.town']))
})

test('a description in several files is followed from file to file', async () => {
  const folder = join(root, String(++made), 'acme')
  mkdirSync(join(folder, 'parts'), { recursive: true })
  writeFileSync(join(folder, 'connector.yaml'), MANIFEST)
  writeFileSync(join(folder, 'parts', 'address.json'), JSON.stringify({ Address: schemas.Address }))
  const split = { ...contact, properties: { ...contact.properties, address: { $ref: 'address.json#/Address' } } }
  writeFileSync(join(folder, 'parts', 'contact.json'), JSON.stringify(split))
  const file = join(folder, 'api.json')
  writeFileSync(
    file,
    JSON.stringify({ ...OPENAPI, components: { schemas: { Contact: { $ref: 'parts/contact.json' } } } }),
  )
  const { rows } = await checkAgainstSpec(loadConnectors([join(folder, '..')]), 'acme', [file])
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
})

test('a description whose every path is a file of its own, in YAML with merge keys', async () => {
  const folder = join(root, String(++made), 'acme')
  mkdirSync(join(folder, 'paths and more'), { recursive: true })
  writeFileSync(join(folder, 'connector.yaml'), MANIFEST)
  const put = (name: string, value: object | string) =>
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  put(
    'schemas.yml',
    `
base: &base { id: { type: string }, name: { type: string } }
Contact: { type: object, properties: { <<: *base, updated_at: { type: string }, address: { $ref: "#/Address" } } }
Address: { type: object, properties: { city: { type: [string, "null"] } } }
`,
  )
  const elsewhere = (value: object) =>
    JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '../schemas.yml#/')) as object
  put('paths and more/list.json', elsewhere(OPENAPI.paths['/contacts']))
  put('paths and more/patch.yaml', elsewhere(OPENAPI.paths['/contacts/{id}'].patch))
  put('paths and more/one.json', { ...elsewhere(OPENAPI.paths['/contacts/{id}']), patch: { $ref: './patch.yaml' } })
  put(
    'api.yaml',
    `
openapi: 3.1.0
info: { title: Acme, version: '1' }
servers: [{ url: "https://api.acme.example/v2" }]
paths:
  /contacts: { $ref: "paths%20and%20more/list.json" }
  "/contacts/{contactId}": { $ref: "./paths%20and%20more/one.json" }
`,
  )
  const { rows } = await checkAgainstSpec(loadConnectors([join(folder, '..')]), 'acme', [join(folder, 'api.yaml')])
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
})

test('what an older edition leaves out is unknown there, and wrong in a later one', async () => {
  const samples = `
source: [{ what: Contacts, url: "https://acme.example", read: "2026-11-26" }]
settings: { url: "\${ origin }" }
errors: { unauthorized: {}, not_found: {}, invalid: {}, throttled: {}, down: {} }
collections: {}
routes: {}
left_out: [{ by: Acme, before: "2.10", names: [size, address.town], why: "came with edition 2.10" }]
`
  const manifest = MANIFEST.replace('limit: "', 'size: "').replace('"town": address.city', '"town": address.town')
  const verdicts = async (version: string) => {
    const { rows } = await check(manifest, { ...OPENAPI, info: { title: 'Acme', version } }, 'api.json', samples)
    return new Set(rows.filter(({ name }) => /size|address\.town/.test(name)).map(({ verdict }) => verdict))
  }
  expect(await verdicts('2.9.4')).toEqual(new Set(['unknown']))
  expect(await verdicts('2.10')).toEqual(new Set(['wrong']))
})

test('where the next page begins may stand in another list that is read with the same parameter', async () => {
  const others = { type: 'object', properties: { next_after: { type: 'string' } } }
  const { get } = OPENAPI.paths['/contacts']
  const spec = { ...OPENAPI, paths: { ...OPENAPI.paths, '/others': { get: { ...get, responses: answer(others) } } } }
  const next = async (name: string) => {
    const { rows } = await check(MANIFEST.replace('paging.next.after', name), spec)
    return rows.find((row) => row.name === `response.${name}`)!.verdict
  }
  expect(await next('next_after')).toBe('unknown')
  expect(await next('next_aftr')).toBe('wrong')
})

/** The schema of the request names less than the record has. */
function shortRequest(marks: { readOnly?: string[]; closed?: boolean; open?: boolean; answered?: boolean } = {}) {
  const spec = structuredClone(OPENAPI) as never as {
    paths: Record<string, Record<string, { requestBody?: object; responses: object }>>
    components: { schemas: { Contact: { properties: Record<string, object> } } }
  }
  const short = {
    type: 'object',
    properties: { name: { type: 'string' } },
    ...(marks.closed ? { additionalProperties: false } : {}),
  }
  // As some write it: the alternatives, and beside them that there may be more.
  const open = { anyOf: [short, { type: 'object', properties: { fax: {} } }], additionalProperties: true }
  spec.paths['/contacts/{id}']!.patch!.requestBody = {
    content: { 'application/json': { schema: marks.open ? open : short } },
  }
  if (marks.answered === false) {
    spec.paths['/contacts/{id}']!.patch!.responses = { 204: { description: 'done' } }
    spec.paths['/contacts/{id}']!.get!.responses = { 200: { description: 'a contact' } }
  }
  for (const name of marks.readOnly ?? [])
    Object.assign(spec.components.schemas.Contact.properties[name]!, { readOnly: true })
  return spec
}

test.each([
  ['the answer has it, and says of others that they are read-only', { readOnly: ['id'] }, 'checked'],
  ['the answer has it, and marks nothing as read-only', {}, 'unknown'],
  ['nothing is told of the record', { answered: false }, 'unknown'],
  ['the request takes more, and says no names', { open: true }, 'unknown'],
  ['the request takes nothing else', { readOnly: ['id'], closed: true }, 'wrong'],
  ['the answer marks it as read-only', { readOnly: ['address'] }, 'wrong'],
] as const)('a member that a request does not name: %s', async (_, marks, verdict) => {
  const { rows } = await check(MANIFEST, shortRequest(marks as never))
  const sent = rows.filter(({ what, name }) => what === 'sent' && name === 'address')
  expect(sent.map((row) => row.verdict)).toEqual([verdict])
  const misspelt = MANIFEST.replace(
    'address: { type: object, properties: { city',
    'adress: { type: object, properties: { city',
  )
  const faults = (await check(misspelt, shortRequest(marks as never))).rows.filter(({ name }) => name === 'adress')
  expect(faults.map((row) => row.verdict)).toEqual(['answered' in marks || 'open' in marks ? 'unknown' : 'wrong'])
})

test('any name is one of a map; of an object without a word nothing is known', async () => {
  const manifest = MANIFEST.replaceAll('address.city', 'address.labels.home').replace(
    'properties: { city: { type: string } } } } }',
    'properties: { labels: { type: object, properties: { work: { type: string } } } } } } }',
  )
  const labelled = (labels: object) => ({
    ...OPENAPI,
    components: { schemas: { ...schemas, Address: { type: 'object', properties: { labels } } } },
  })
  const verdicts = async (labels: object) => {
    const { rows } = await check(manifest, labelled(labels))
    return new Set(rows.filter(({ name }) => /labels\./.test(name)).map(({ verdict }) => verdict))
  }
  expect(await verdicts({ type: 'object', additionalProperties: { description: 'By label' } })).toEqual(
    new Set(['checked']),
  )
  expect(await verdicts({ type: 'object', additionalProperties: true })).toEqual(new Set(['checked']))
  expect(await verdicts({ type: 'object' })).toEqual(new Set(['unknown']))
  expect(await verdicts({ type: 'object', additionalProperties: false, properties: { fax: {} } })).toEqual(
    new Set(['wrong']),
  )
})

test('what is found and then read by id is compared as it is read', async () => {
  const manifest = MANIFEST.replace(
    '    write:\n',
    '    lookup: { name: { path: /search, query: { term: "${ value }" }, records: response.hits, fetch_ids: record.ref, field: record.name } }\n    write:\n',
  )
  const hits = { type: 'array', items: { type: 'object', properties: { ref: { type: 'string' } } } }
  const spec = {
    ...OPENAPI,
    paths: {
      ...OPENAPI.paths,
      '/search': {
        get: {
          parameters: [{ name: 'term', in: 'query', schema: {} }],
          responses: answer({ type: 'object', properties: { hits } }),
        },
      },
    },
  }
  expect((await check(manifest, spec)).rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
  const faulty = manifest.replace(
    'fetch_ids: record.ref, field: record.name',
    'fetch_ids: record.id, field: record.nom',
  )
  const wrong = (await check(faulty, spec)).rows.filter(({ verdict }) => verdict === 'wrong')
  expect(wrong.map(({ name }) => name)).toEqual(['record.id', 'record.nom'])
})

test('annotations of OData stand in no schema, a byte order mark before the text, references to references in between', async () => {
  const manifest = MANIFEST.replace('next: response.paging.next.after', 'next: response.`@odata.nextLink`')
  const spec = {
    ...OPENAPI,
    paths: {
      ...OPENAPI.paths,
      '/contacts': {
        ...OPENAPI.paths['/contacts'],
        get: {
          parameters: ['limit', 'after', 'updated_since'].map((name) => ({ $ref: `#/components/parameters/${name}` })),
          responses: { 200: { $ref: '#/components/responses/Page' } },
        },
      },
    },
    components: {
      schemas,
      parameters: Object.fromEntries(
        ['limit', 'after', 'updated_since'].flatMap((name): [string, object][] => [
          [name, { $ref: `#/components/parameters/the_${name}` }],
          [`the_${name}`, { name, in: 'query', schema: {} }],
        ]),
      ),
      responses: {
        Page: { $ref: '#/components/responses/Contacts' },
        Contacts: {
          description: 'a page',
          content: {
            'application/json;odata.metadata=minimal': {
              schema: { type: 'object', properties: { data: { type: 'array', items: reference } } },
            },
          },
        },
      },
    },
  }
  const { rows } = await check(manifest, `\uFEFF${JSON.stringify(spec)}`)
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
})

test('what only answers have is not sent', async () => {
  const readOnly = structuredClone(OPENAPI)
  Object.assign(readOnly.components.schemas.Contact.properties.name, { readOnly: true })
  const { rows } = await check(MANIFEST, readOnly)
  const wrong = rows.filter(({ verdict }) => verdict === 'wrong')
  expect(wrong.map(({ name, detail }) => [name, detail])).toEqual([
    ['contact.name', 'the member is read-only'],
    ['name', 'the member is read-only'],
  ])
})

test('where a description shows by itself that it is not complete, nothing is called wrong for being absent', async () => {
  const shown = structuredClone(OPENAPI) as never as {
    components: { schemas: { Contact: { example?: object; properties: Record<string, unknown> } } }
  }
  delete shown.components.schemas.Contact.properties.name
  expect((await check(MANIFEST, shown)).counts.wrong).toBeGreaterThan(0)
  // Its own example has members that it does not name: one of them is ours.
  shown.components.schemas.Contact.example = { id: 'c1', name: 'Maja', fax: null }
  expect((await check(MANIFEST, shown)).counts).toMatchObject({ wrong: 0, unknown: 0 })

  const bare = structuredClone(OPENAPI) as never as { paths: Record<string, Record<string, unknown>> }
  bare.paths['/contacts']!.get = { ...(bare.paths['/contacts']!.get as object), parameters: [] }
  delete bare.paths['/contacts/{id}']!.patch
  const { rows } = await check(MANIFEST, bare)
  const open = rows.filter(({ verdict }) => verdict !== 'checked')
  expect(open.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
    ['limit', 'after', 'updated_since', 'PATCH /contacts/…'].map((name) => `${name} unknown`),
  )
})

test('an address that depends on a condition, or on named parts, is held against each call it may be', async () => {
  const manifest = MANIFEST.replace(
    'read:\n      path: /contacts\n',
    `read:\n      for_each: { kind: values, values: '["contacts", "people"]' }\n      path: '/\${ $exists(since) ? partition : "contacts" }'\n`,
  )
  expect(manifest).toContain('partition')
  const { rows } = await check(manifest)
  expect(
    rows
      .filter(({ what }) => what === 'request')
      .slice(0, 2)
      .map(({ name, verdict }) => [name, verdict]),
  ).toEqual([
    ['GET /contacts', 'checked'],
    ['GET /people', 'wrong'],
  ])
})

/** Metadata of an OData service with two sets. */
const METADATA = `<?xml version="1.0"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
    <Schema Namespace="S" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityType Name="Customer"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String"/><Property Name="Name" Type="Edm.String"/>
        <Property Name="Changed" Type="Edm.DateTimeOffset"/><NavigationProperty Name="Orders" Type="Collection(S.Order)"/></EntityType>
      <EntityType Name="Order"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int64"/></EntityType>
      <EntityContainer Name="C"><EntitySet Name="Customers" EntityType="S.Customer"/><EntitySet Name="Orders" EntityType="S.Order"/></EntityContainer>
    </Schema></edmx:DataServices></edmx:Edmx>`

test('the metadata of an OData service describes its sets', async () => {
  const manifest = `
language: 1
name: acme
title: Acme
protocol: odata
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }
streams:
  customers:
    title: Customers
    set: Customers
    keys: { ID: string }
    version: { value: record.Changed }
    select: [ID, Name, Changed, Fax]
    changes: { kind: filter, field: Changed, type: datetimeoffset }
    write_schema: { type: object, properties: { Name: { type: string }, Nick: { type: string } } }
    write: [create, update, delete]
`
  const { rows } = await check(manifest, METADATA, 'metadata.xml')
  expect(rows.filter(({ verdict }) => verdict === 'wrong').map(({ name }) => name)).toEqual(['Nick', 'Fax'])
  expect(rows.length).toBeGreaterThan(6)
})

test('a set is known behind its company too, and options of the service itself are not called wrong', async () => {
  const manifest = `
language: 1
name: acme
title: Acme
protocol: rest
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }/v4
streams:
  customers:
    title: Customers
    key: record.ID
    schema: { type: object, properties: { ID: { type: string }, Fax: { type: string } } }
    read: { path: /companies(7)/Customers, query: { acme-client: "100", $select: ID, $skim: x }, records: response.value }
    fetch: { path: "/companies(7)/Customers(\${ id })" }
    write: { delete: { path: "/companies(7)/Customer(\${ id })" } }
`
  const { rows } = await check(manifest, METADATA, 'metadata.xml')
  const of = (verdict: string) => rows.filter((row) => row.verdict === verdict).map(({ name }) => name)
  expect(of('wrong')).toEqual(['$skim', 'Fax', 'DELETE /companies(7)/Customer(…)'])
  expect(of('unknown')).toEqual(['acme-client'])
  expect(of('checked')).toEqual(
    expect.arrayContaining(['GET /companies(7)/Customers', 'GET /companies(7)/Customers(…)', '$select', 'ID']),
  )
})

test('a first manifest is drafted out of a description: it loads, and fits what it came from', async () => {
  const file = join(root, 'draft.json')
  writeFileSync(file, JSON.stringify(OPENAPI))
  const folder = join(root, 'drafted', 'acme')
  const created = draftInto(folder, 'acme', [file])
  expect(created.findings).toEqual([])
  expect(created.streams).toEqual(['contacts'])
  const catalogue = loadConnectors([join(folder, '..')])
  const [stream] = catalogue.get('acme').describe().streams
  expect(stream!.abilities).toMatchObject({ read: true, incremental: true, create: true, update: true, delete: true })
  const { rows } = await checkAgainstSpec(catalogue, 'acme', [file])
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
  expect(() => draftInto(folder, 'acme', [file])).toThrow('holds a connector already')
})

/** As Microsoft Graph is described: functions by their full name, behind one path to a type and not behind the others. */
const GRAPH = {
  openapi: '3.0.3',
  info: { title: 'Drives', version: '1' },
  servers: [{ url: 'https://graph.acme.example/v1.0/' }],
  paths: {
    '/drives/{drive-id}/root': { get: { responses: answer({ $ref: '#/components/schemas/Item' }) } },
    '/drives/{drive-id}/items/{item-id}': { get: { responses: answer({ $ref: '#/components/schemas/Item' }) } },
    '/drives/{drive-id}/items/{item-id}/acme.graph.delta()': {
      get: {
        parameters: [{ name: '$select', in: 'query', schema: { type: 'string' } }],
        responses: answer({
          type: 'object',
          properties: { value: { type: 'array', items: { $ref: '#/components/schemas/Item' } } },
        }),
      },
    },
    '/drives/{drive-id}/items/{item-id}/content': {
      put: {
        requestBody: { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
        responses: answer({ $ref: '#/components/schemas/Item' }),
      },
    },
  },
  components: {
    schemas: { Item: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } } },
  },
}
const DRIVES = `
language: 1
name: acme
title: Acme
protocol: rest
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }/v1.0
streams:
  items:
    title: Items
    key: record.id
    deleted: $exists(record.\`@removed\`)
    schema: { type: object, properties: { id: { type: string }, name: { type: string } } }
    read:
      path: /drives/a/root/delta
      query: { $select: "id,name", "@acme.graph.behaviour": fail, $deltatoken: x }
      records: response.value
      paging: { kind: next-url, next: response.\`@odata.nextLink\` }
    write:
      create: { method: PUT, path: "/drives/a/items/root:/\${ values.name }:/content", id: response.id }
      delete:
        batch:
          size: 20
          path: /$batch
          body: { requests: '\${ [ids.{ "id": $, "method": "DELETE", "url": "/drives/a/items/" & $ }] }' }
          results: response.responses
          failed: result.status >= 400
          missing: result.status = 404
          message: result.body.error.message
`

test('functions of OData are found behind each path to their type, items by path as by id, and batches are known', async () => {
  const { rows } = await check(DRIVES, GRAPH)
  expect(rows.filter(({ verdict }) => verdict !== 'checked').map(({ name }) => name)).toEqual(['POST /$batch'])
  const faults: [string, string, string][] = [
    ['root/delta', 'root/changes', 'GET /drives/a/root/changes'],
    [':/content', ':/bytes', 'PUT /drives/a/items/root:/…:/bytes'],
    ['/drives/a/root/delta', '/shares/a/root/delta', 'GET /shares/a/root/delta'],
    ['"method": "DELETE"', '"verb": "DELETE"', 'requests.verb'],
    ['message: result.body', 'message: result.text', 'result.text'],
    ['query: { $select:', 'query: { $skim:', '$skim'],
  ]
  for (const [from, to, name] of faults) {
    expect(DRIVES).toContain(from)
    const wrong = (await check(DRIVES.replace(from, to), GRAPH)).rows.filter(({ verdict }) => verdict === 'wrong')
    expect(wrong.map((row) => row.name)).toContain(name)
  }
})

test('a description that leaves out what calls take is asked for what the record is', async () => {
  const bare = structuredClone(OPENAPI) as never as { paths: Record<string, Record<string, Record<string, unknown>>> }
  delete bare.paths['/contacts/{id}']!.patch!.requestBody
  const { rows } = await check(MANIFEST, bare)
  expect(rows.filter(({ verdict }) => verdict !== 'checked').map(({ name, verdict }) => [name, verdict])).toEqual([
    ['name', 'unknown'],
    ['address.city', 'unknown'],
  ])
  // Where it marks what only answers have, the rest can be sent.
  const marked = structuredClone(bare) as never as typeof OPENAPI
  Object.assign(marked.components.schemas.Contact.properties.id, { readOnly: true })
  expect((await check(MANIFEST, marked)).counts).toMatchObject({ unknown: 0, wrong: 0 })
  Object.assign(marked.components.schemas.Contact.properties.name, { readOnly: true })
  expect((await check(MANIFEST, marked)).counts.wrong).toBe(2)
})

test('a call without a body takes none where the description leaves none out', async () => {
  const manifest = MANIFEST.replace(
    '"/contacts/${ id }", body: "${ values }"',
    '"/contacts/${ id }/touch", body: { x: 1 }',
  )
  const spec = structuredClone(OPENAPI) as never as { paths: Record<string, Record<string, object>> }
  spec.paths['/contacts/{id}/touch'] = { patch: { responses: { 204: { description: 'done' } } } }
  const wrong = async () =>
    (await check(manifest, spec)).rows.filter(({ verdict }) => verdict === 'wrong').map(({ name }) => name)
  expect(await wrong()).toEqual(['x'])
  delete (spec.paths['/contacts/{id}']!.patch as { requestBody?: object }).requestBody
  expect(await wrong()).toEqual([])
})

test('where a call marks as read-only what the answer does not, nothing can be said', async () => {
  const spec = structuredClone(OPENAPI) as never as { paths: Record<string, Record<string, object>> }
  const input = { type: 'object', properties: { name: { type: 'string', readOnly: true }, address: {} } }
  Object.assign(spec.paths['/contacts/{id}']!.patch!, {
    requestBody: { content: { 'application/json': { schema: input } } },
  })
  const { rows } = await check(MANIFEST, spec)
  expect(rows.filter(({ what, name }) => what === 'sent' && name === 'name').map(({ verdict }) => verdict)).toEqual([
    'unknown',
  ])
})

test('many records at once are asked of the list they are written to, by its name for them', async () => {
  const manifest = MANIFEST.replace(
    '{ path: /contacts, body: { contact: "${ values }" }',
    '{ path: /contacts/many, body: { data: ["${ values }"] }',
  )
  const spec = structuredClone(OPENAPI) as never as {
    paths: Record<string, Record<string, object>>
    components: object
  }
  const job = answer({ type: 'object', properties: { job: { type: 'string', readOnly: true } } })
  const verdicts = async (operation: object) => {
    spec.paths['/contacts/many'] = { post: operation }
    const { rows } = await check(manifest, spec)
    return rows
      .filter(({ what, name }) => what === 'sent' && name.startsWith('data'))
      .map(({ name, verdict }) => [name, verdict])
  }
  const named = [
    ['data.name', 'checked'],
    ['data.address.city', 'checked'],
  ]
  // Without a word of what is taken, and with a word of a part of it.
  const { patch } = spec.paths['/contacts/{id}']!
  delete (patch as { requestBody?: object }).requestBody
  expect(await verdicts({ responses: job })).toEqual(named)
  const schema = {
    type: 'object',
    properties: { data: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } } },
  }
  const told = { responses: job, requestBody: { content: { 'application/json': { schema } } } }
  expect(await verdicts(told)).toEqual([
    ['data.name', 'checked'],
    ['data.address', 'checked'],
  ])
})
