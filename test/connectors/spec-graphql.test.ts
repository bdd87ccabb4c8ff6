/** A connector that speaks GraphQL against a schema: documents, variables, answers, and what was really sent. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSchema, introspectionFromSchema } from 'graphql'
import { afterAll, expect, test } from 'vitest'
import { checkAgainstSpec } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-graphql-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const SCHEMA = readFileSync('connectors/shopify/samples/schema.graphql', 'utf8')

async function held(name: string, text: string) {
  const file = join(root, name)
  writeFileSync(file, text)
  const report = await checkAgainstSpec(loadConnectors(['connectors']), 'shopify', [file])
  const named = (verdict: string) => report.rows.filter((row) => row.verdict === verdict)
  return { ...report, wrong: named('wrong'), unknown: named('unknown') }
}

test('a schema in its own language tells of every document, variable and field', async () => {
  const { ok, counts, rows, unknown } = await held('schema.graphql', SCHEMA)
  expect(ok).toBe(true)
  expect(counts.checked / rows.length).toBeGreaterThan(0.95)
  expect(rows).toContainEqual(expect.objectContaining({ what: 'request', name: 'query orders', verdict: 'checked' }))
  expect(rows).toContainEqual(expect.objectContaining({ what: 'sent', name: 'input.poNumber', verdict: 'checked' }))
  expect(unknown.map(({ name }) => name)).toContain('POST /admin/oauth/access_token')
})

test('what introspection answers is read alike', async () => {
  const schema = introspectionFromSchema(buildSchema(SCHEMA))
  const [mine, theirs] = [
    await held('schema.json', JSON.stringify({ data: schema })),
    await held('sdl.graphql', SCHEMA),
  ]
  expect(mine.counts).toEqual(theirs.counts)
})

test('a member that no input has is wrong, where the manifest stands and where it was sent', async () => {
  const { ok, wrong } = await held(
    'input.graphql',
    SCHEMA.replace(/(input OrderCreateOrderInput \{[^}]*)poNumber: String/, '$1'),
  )
  expect(ok).toBe(false)
  expect(
    wrong
      .filter(({ what }) => what === 'sent')
      .every(({ name }) => name === 'order.poNumber' || /^order_\d+\.poNumber$/.test(name)),
  ).toBe(true)
  expect(wrong.some(({ place }) => place.startsWith('sent: mutation orderCreate'))).toBe(true)
  expect(wrong.some(({ place }) => place.includes('connector.yaml'))).toBe(true)
})

test('a field that the schema does not have makes the document wrong', async () => {
  const { wrong } = await held(
    'field.graphql',
    SCHEMA.replace(/(type Product implements Node \{[^}]*)handle: String!/, '$1'),
  )
  expect(wrong).toContainEqual(
    expect.objectContaining({ what: 'request', detail: expect.stringContaining('"handle" on type "Product"') }),
  )
})

test('a value of another kind than the variable takes is wrong', async () => {
  const { wrong } = await held('kind.graphql', SCHEMA.replace(/(input OrderInput \{[^}]*)note: String/, '$1note: Int'))
  expect(wrong.some(({ place, name }) => place.startsWith('sent:') && /note$/.test(name))).toBe(true)
})

test('a schema that does not hold together is refused with the file', async () => {
  await expect(held('broken.graphql', 'type Query { a: Nothing }')).rejects.toThrow(/broken\.graphql/)
})
