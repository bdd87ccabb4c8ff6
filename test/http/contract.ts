/** Holds answers against the OpenAPI document the server gives out. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { expect } from 'vitest'
import type { TestHub } from './hub.ts'

type Operation = { operationId: string; responses: Record<string, { content?: Record<string, { schema: object }> }> }
export type OpenApiDocument = {
  openapi: string
  paths: Record<string, Record<string, Operation & { parameters?: { name: string; in: string }[] }>>
  components: { schemas: Record<string, object> }
}

export async function readDocument(hub: TestHub): Promise<OpenApiDocument> {
  return (await (await hub.get('/openapi.json')).json()) as OpenApiDocument
}

export function ajvFor(document: OpenApiDocument): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true })
  ;(addFormatsModule as unknown as (ajv: Ajv2020) => void)(ajv)
  ajv.addSchema({ $id: 'openapi', $defs: document.components.schemas })
  return ajv
}

/** `$ref`s point into the document; Ajv finds them among the definitions registered above. */
export const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"openapi#/$defs/')) as object

/** Fails when the answer is not what the operation promises for this status. Gives the parsed body. */
export async function expectDocumented(hub: TestHub, operationId: string, response: Response): Promise<unknown> {
  const document = await readDocument(hub)
  const operation = Object.values(document.paths)
    .flatMap((item) => Object.values(item))
    .find((candidate) => candidate.operationId === operationId)
  expect(operation, operationId).toBeDefined()
  const promised = operation!.responses[response.status] ?? operation!.responses.default
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const schema = promised?.content?.[type]?.schema
  expect(schema, `${operationId} ${response.status} ${type}`).toBeDefined()
  const body: unknown = await response.json()
  const ajv = ajvFor(document)
  const valid = ajv.validate(absolute(schema!), body)
  expect(ajv.errors ?? [], `${operationId}: ${JSON.stringify(body).slice(0, 500)}`).toEqual([])
  expect(valid).toBe(true)
  return body
}
