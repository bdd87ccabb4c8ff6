/** Services of OData that are described in OpenAPI, as tools make it of their metadata. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkAgainstSpec } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-spec-odata-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const MANIFEST = `
language: 1
name: acme
title: Acme
protocol: odata
odata: v2
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }/erp/odata
query: { acme-client: "100" }
streams:
  orders:
    title: Orders
    service: ORDERS
    set: A_Order
    expand: to_Item
    keys: { OrderID: string }
    version: { value: record.Changed }
    schema:
      type: object
      properties:
        OrderID: { type: string }
        Changed: { type: string }
        to_Item: { type: array, items: { type: object, properties: { Line: { type: string }, Colour: { type: string } } } }
    write_schema:
      type: object
      properties:
        Note: { type: string }
        Nick: { type: string }
        to_Item: { type: array, items: { type: object, properties: { Line: { type: string } } } }
    changes: { kind: filter, field: Changed, type: datetime }
    write: [create, update]
`

const text = { type: 'string' }
const inOne = (name: string, schema: object) => ({ type: 'object', properties: { [name]: schema } })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const many = (item: object) => ({ type: 'array', items: item })
const holds = (schema: object) => ({ content: { 'application/json': { schema } } })
const answer = (schema: object) => ({ 200: { description: 'ok', ...holds(schema) } })
const query = (...names: string[]) => names.map((name) => ({ name, in: 'query', schema: text }))

/** A service of version 2: answers and changes stand in `d`, lists in `results`. `entity` gives the path to one of a set. */
const described = (entity = (set: string, key: string) => `/${set}('{${key}}')`, create: object = {}) => ({
  openapi: '3.0.3',
  info: { title: 'Orders', version: '1' },
  servers: [{ url: 'https://{host}/erp/odata/ORDERS', variables: { host: { default: 'acme.example' } } }],
  paths: {
    '/A_Order': {
      get: {
        parameters: query('$top', '$skip', '$filter', '$orderby', '$select', '$expand', '$inlinecount'),
        responses: answer(inOne('d', inOne('results', many(ref('Order'))))),
      },
      post: { requestBody: holds(ref('Order-create')), responses: answer(inOne('d', ref('Order'))) },
    },
    [entity('A_Order', 'OrderID')]: {
      get: { parameters: query('$select', '$expand'), responses: answer(inOne('d', ref('Order'))) },
      patch: { requestBody: holds(inOne('d', ref('Order-create'))), responses: { 204: { description: 'done' } } },
    },
  },
  components: {
    schemas: {
      Order: {
        type: 'object',
        properties: { OrderID: text, Changed: text, Note: text, to_Item: inOne('results', many(ref('Item'))) },
      },
      'Order-create': { type: 'object', properties: { Note: text, ...create } },
      Item: { type: 'object', properties: { Line: text } },
    },
  },
})

let made = 0
async function verdicts(spec: object, manifest = MANIFEST): Promise<Record<string, string>> {
  const folder = join(root, String(++made), 'acme')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'connector.yaml'), manifest)
  writeFileSync(join(folder, 'api.json'), JSON.stringify(spec))
  const catalogue = loadConnectors([join(folder, '..')])
  expect(catalogue.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  const { rows } = await checkAgainstSpec(catalogue, 'acme', [join(folder, 'api.json')])
  return Object.fromEntries(rows.map(({ what, name, verdict }) => [`${what} ${name}`, verdict]))
}

test('lists in their wrappings, and what a create does not repeat of the entity', async () => {
  const found = await verdicts(described())
  expect(found).toMatchObject({
    'request GET /A_Order': 'checked',
    'request update A_Order': 'checked',
    'field to_Item.Line': 'checked',
    'field to_Item.Colour': 'wrong',
    'sent Note': 'checked',
    'sent to_Item': 'unknown',
    'sent Nick': 'wrong',
  })
})

test('a create that takes its lines in their wrapping takes them', async () => {
  const found = await verdicts(described(undefined, { to_Item: inOne('results', many(ref('Item'))) }))
  expect(found['sent to_Item']).toBe('checked')
})

const PLAIN = `
language: 1
name: acme
title: Acme
protocol: rest
settings: { url: { type: url, required: true } }
base_url: \${ settings.url }/erp/odata/ORDERS
streams:
  orders:
    title: Orders
    key: record.OrderID
    schema: { type: object, properties: { OrderID: { type: string } } }
    read: { path: /A_Order, query: { acme-client: "100", $skim: x }, records: response.d.results }
    fetch: { path: "/A_Order('\${ id }')", records: response.d }
    write_schema: { type: object, properties: { Note: { type: string } } }
    write: { update: { method: PATCH, path: "/A_Order('\${ id }')", body: { Note: "\${ values.Note }" } } }
`

test('options of the service itself are unknown, changes are held without their envelope', async () => {
  expect(await verdicts(described(), PLAIN)).toMatchObject({
    'parameter acme-client': 'unknown',
    'parameter $skim': 'wrong',
    'field OrderID': 'checked',
    'sent Note': 'checked',
  })
})

test('where entities are steps of the path, it is no description of sets', async () => {
  const manifest = PLAIN.replaceAll("('${ id }')", '/${ id }')
  const found = await verdicts(
    described((set, key) => `/${set}/{${key}}`),
    manifest,
  )
  expect(found).toMatchObject({ 'parameter acme-client': 'wrong', 'sent Note': 'unknown' })
})

test('what an entity leads to is known where $expand names it', async () => {
  const spec = (names: string[]) => {
    const made = described()
    const list = inOne('value', many(ref('Order'))) as object
    Object.assign(made.components.schemas.Order.properties, { to_Item: undefined })
    Object.assign(made.paths['/A_Order']!.get!, {
      parameters: [
        ...query('$filter', '$orderby', '$select'),
        { name: '$expand', in: 'query', schema: many({ ...text, enum: names }) },
      ],
      responses: answer(list),
    })
    return made
  }
  const manifest = MANIFEST.replace('odata: v2\n', '').replace('type: datetime }', 'type: datetimeoffset }')
  expect(await verdicts(spec(['to_Item']), manifest)).toMatchObject({
    'field to_Item': 'checked',
    'field OrderID': 'checked',
  })
  expect(await verdicts(spec(['to_Other']), manifest)).toMatchObject({ 'field to_Item': 'wrong' })
})
