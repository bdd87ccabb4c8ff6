import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indentJson, type JsonText, parseAnswer } from '../../src/ui/api/json-text.ts'
import { VERBATIM_FIELDS } from '../../src/ui/api/verbatim-fields.ts'
import { readDocument } from '../http/contract.ts'
import { startHub } from '../http/hub.ts'

const spaced = fc
  .tuple(fc.json(), fc.constantFrom(0, 1, 2, '\t'))
  .map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent))

test('an answer without bodies is parsed as JSON.parse does it', () => {
  fc.assert(
    fc.property(spaced, (text) => {
      expect(parseAnswer(text, new Set())).toEqual(JSON.parse(text))
    }),
  )
})

test('bodies keep their text to the last digit, wherever they stand', () => {
  const body = '{ "n": 9223372036854775807, "d":0.10,"x":1e400 ,"10":1,"9":2,"a":1,"a":2,"s":"\\u0000 \\" ] }" }'
  const text = `{"items":[{"body":${body},"deliveries":{"body":3}},{"body":null}],"body":[${body}]}`
  const answer = parseAnswer(text, new Set(['items[].body', 'body'])) as {
    items: { body: JsonText | null; deliveries: { body: number } }[]
    body: JsonText
  }
  expect(answer.items[0]?.body?.text).toBe(body)
  // The same name at another place is data of the envelope.
  expect(answer.items[0]?.deliveries.body).toBe(3)
  expect(answer.items[1]?.body).toBeNull()
  expect(answer.body.text).toBe(`[${body}]`)
})

test('any JSON survives as a body', () => {
  fc.assert(
    fc.property(spaced, spaced, (body, other) => {
      const answer = parseAnswer(`{"body":${body},"other":${other}}`, new Set(['body'])) as Record<string, unknown>
      expect(answer.body).toEqual(body === 'null' ? null : { text: body })
      expect(answer.other).toEqual(JSON.parse(other))
    }),
  )
})

test('what is no JSON is refused, not guessed', () => {
  for (const text of ['', '{', '{"a":', '{"a":1', '[1', '{"a":1}x', '"open', '{"a" 1}', '<html>'])
    expect(() => parseAnswer(text, new Set()), text).toThrow(SyntaxError)
})

test('setting on lines changes white space between tokens only', () => {
  const tokens = (text: string): string[] => text.match(/"(?:[^"\\]|\\.)*"|[^\s"]/g) ?? []
  fc.assert(
    fc.property(spaced, (text) => {
      const lines = indentJson(text)
      expect(tokens(lines)).toEqual(tokens(text))
      expect(JSON.parse(lines)).toEqual(JSON.parse(text))
    }),
  )
  expect(indentJson('{"a":[1.0,{ }],"b":[ ]}')).toBe('{\n  "a": [\n    1.0,\n    {}\n  ],\n  "b": []\n}')
})

test('a body a hundred thousand levels deep breaks nothing', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  expect((parseAnswer(`{"body":${deep}}`, new Set(['body'])) as { body: JsonText }).body.text).toBe(deep)
  expect(indentJson(deep).length).toBeLessThan(20_000_000)
})

type Schema = {
  type?: unknown
  enum?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  items?: Schema
  const?: unknown
}

/** Paths of an answer for which the document promises no type: any JSON may stand there. */
function untyped(schema: Schema, path: string): string[] {
  if (schema.anyOf) return schema.anyOf.flatMap((choice) => untyped(choice, path))
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([name, inner]) => untyped(inner, path ? `${path}.${name}` : name))
  if (schema.items) return untyped(schema.items, `${path}[]`)
  return schema.type === undefined && schema.enum === undefined && schema.const === undefined ? [path] : []
}

test('whatever the API answers without a type is kept as text', async () => {
  const hub = await startHub()
  const document = await readDocument(hub)
  await hub.close()
  const found = new Map<string, string>()
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item)))
    for (const answer of Object.values(operation.responses)) {
      const schema = answer.content?.['application/json']?.schema as Schema | undefined
      for (const path of schema ? untyped(schema, '') : []) found.set(path, operation.operationId)
    }
  expect(found.size).toBeGreaterThan(10)
  expect([...found].filter(([path]) => !VERBATIM_FIELDS.has(path))).toEqual([])
})
