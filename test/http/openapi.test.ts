import { afterAll, beforeAll, expect, test } from 'vitest'
import { absolute, ajvFor, type OpenApiDocument, readDocument } from './contract.ts'
import { startHub, type TestHub } from './hub.ts'

let hub: TestHub
let document: OpenApiDocument
beforeAll(async () => {
  hub = await startHub()
  document = await readDocument(hub)
})
afterAll(() => hub.close())

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      path,
      method,
      operation: operation as unknown as Record<string, unknown>,
    })),
  )

test('each operation has an id of its own, a summary, tags and an error body', () => {
  expect(document.openapi).toBe('3.1.0')
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(ids.length).toBeGreaterThan(30)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { path, method, operation } of operations()) {
    expect(METHODS, `${method} ${path}`).toContain(method)
    expect(operation.operationId, path).toMatch(/^[a-z][A-Za-z]+$/)
    expect(String(operation.summary).length, path).toBeGreaterThan(5)
    expect(operation.tags, path).toHaveLength(1)
    const responses = operation.responses as Record<
      string,
      { description: string; content?: Record<string, { schema: unknown }> }
    >
    for (const [status, response] of Object.entries(responses)) {
      expect(status).toMatch(/^([1-5]\d\d|default)$/)
      expect(response.description, `${path} ${status}`).toBeTruthy()
    }
    expect(responses.default?.content?.['application/problem+json']?.schema).toEqual({
      $ref: '#/components/schemas/Problem',
    })
    if ((operation.security as unknown[]).length) expect(responses['401'], path).toBeDefined()
  }
})

test('path parameters are exactly those of the path, and query parameters have schemas', () => {
  for (const { path, operation } of operations()) {
    const parameters = (operation.parameters ?? []) as { name: string; in: string; required: boolean; schema: object }[]
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    expect(
      inPath.map(({ name }) => name),
      path,
    ).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
    expect(inPath.every(({ required }) => required)).toBe(true)
    for (const { schema } of parameters) expect(Object.keys(schema).length, path).toBeGreaterThan(0)
  }
})

test('every schema is valid JSON Schema 2020-12 and every reference leads somewhere', () => {
  const ajv = ajvFor(document)
  const text = JSON.stringify(document)
  for (const [, ref] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    expect(document.components.schemas, ref).toHaveProperty(ref!)
  let compiled = 0
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, child] of Object.entries(value)) {
      if (key === 'schema') {
        ajv.compile(absolute(child as object))
        compiled++
      } else walk(child)
    }
  }
  walk(document.paths)
  expect(compiled).toBeGreaterThan(80)
})

test('what is sent and what is answered has examples, and each is a value that its schema takes', () => {
  const without: string[] = []
  for (const { path, method, operation } of operations()) {
    const {
      parameters = [],
      requestBody,
      responses,
    } = operation as {
      parameters?: { name: string; in: string }[]
      requestBody?: object
      responses: Record<string, { content?: Record<string, { schema: object }> }>
    }
    const own = parameters.filter(({ name }) => !['limit', 'cursor', 'if-match', 'idempotency-key'].includes(name))
    if ((own.length || requestBody) && !hasExample([own, requestBody])) without.push(`${method} ${path}: what is sent`)
    for (const [status, { content }] of Object.entries(responses))
      if (/^2/.test(status) && content && !hasExample(content)) without.push(`${method} ${path}: ${status}`)
  }
  expect(without).toEqual([])
  expect(hasExample(document.components.schemas.Problem)).toBe(true)

  const ajv = ajvFor(document)
  let tried = 0
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    const { examples, ...schema } = value as { examples?: unknown }
    if (Array.isArray(examples)) {
      const check = ajv.compile(absolute(schema))
      for (const example of examples) {
        tried++
        expect([schema, example, check(example)]).toEqual([schema, example, true])
      }
    }
    for (const child of Object.values(value)) walk(child)
  }
  walk(document)
  expect(tried).toBeGreaterThan(500)
})

const hasExample = (value: unknown): boolean => JSON.stringify(value).includes('"examples":')
