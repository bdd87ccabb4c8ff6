import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { open, restManifest, signal } from './open.ts'
import { type Asked, serve } from './server.ts'

const MANIFEST = restManifest(`
write_schema:
  type: object
  properties:
    number: { type: string }
    invoice:
      type: object
      properties:
        Head: { type: object, properties: { "@form": {}, "#text": {} } }
        Number: {}
        Buyer: { type: object, properties: { Name: {}, City: {} } }
        Line: { type: array, items: { type: object, properties: { Text: {}, Price: {} } } }
        Total: {}
write:
  create:
    path: /invoices
    document:
      root: Invoice
      namespace: urn:test
      at: invoice
      content: '$merge([values.invoice, { "Number": values.number, "Head": { "#text": "I", "@form": "A & B" } }])'
    headers: { Content-Type: application/xml }
    body: \${ document }
    body_as: text
    id: response.id
`)

async function send(values: Record<string, unknown>) {
  const got: Asked[] = []
  await using server = await serve((asked) => {
    got.push(asked)
    return { json: { id: '1' } }
  })
  const session = await open(MANIFEST, server)
  const items = [{ ref: 'a', idempotencyKey: 'k', values: values as never }]
  const [outcome] = await session.write({ stream: 'things', operation: 'create', items, signal })
  return { outcome: outcome!, xml: got[0]?.bytes.toString() ?? null, type: got[0]?.headers['content-type'] }
}

test('elements come in the order of the schema, whatever the order of the values', async () => {
  const invoice = {
    Total: 12.5,
    Line: [
      { Price: '1.50', Text: 'Krzesło <małe>' },
      { Text: 'b', Price: null },
    ],
    Buyer: { City: 'Łódź', Name: '"A" & B' },
  }
  const { outcome, xml, type } = await send({ number: 'FV/1', invoice })
  expect(outcome).toMatchObject({ status: 'written', id: '1' })
  expect(type).toBe('application/xml')
  expect(xml).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><Invoice xmlns="urn:test"><Head form="A &amp; B">I</Head><Number>FV/1</Number>' +
      '<Buyer><Name>&quot;A&quot; &amp; B</Name><City>Łódź</City></Buyer>' +
      '<Line><Text>Krzesło &lt;małe&gt;</Text><Price>1.50</Price></Line><Line><Text>b</Text></Line><Total>12.5</Total></Invoice>',
  )
})

test('what the schema has no place for is refused, and so is what XML cannot hold', async () => {
  const unknown = await send({ number: 'a', invoice: { Buyer: { Nmae: 'x' } } })
  expect(unknown.xml).toBeNull()
  expect(unknown.outcome).toMatchObject({ status: 'refused' })
  expect(String((unknown.outcome as { error: Error }).error.message)).toContain('Invoice.Buyer.Nmae')
  const control = await send({ number: 'a\u0001', invoice: {} })
  expect(control.xml).toBeNull()
  expect(control.outcome).toMatchObject({ status: 'refused' })
})

test('any text is read back as it was', async () => {
  const parser = new XMLParser({ trimValues: false, parseTagValue: false, htmlEntities: true })
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), async (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML cannot hold is another test's.
      const name = text.replace(/[\0-\x08\x0b-\x1f]/g, ' ').trim()
      fc.pre(name !== '')
      const { xml } = await send({ number: 'n', invoice: { Buyer: { Name: name } } })
      expect(parser.parse(xml!).Invoice.Buyer.Name).toBe(name)
    }),
    { numRuns: 15 },
  )
})
