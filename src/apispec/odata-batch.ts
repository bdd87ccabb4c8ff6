/** The envelope of a batch in JSON, which OData itself describes (JSON Format 4.01, section 19), and no service in its own words. */
import type { Operation } from './contract.ts'
import type { RawSchema } from './schema.ts'

const text: RawSchema = { type: 'string' }
const headers: RawSchema = { type: 'object', additionalProperties: text }
/** What comes back for one request: whatever that request answers, or an error (section 21). */
const answered: RawSchema = {
  anyOf: [
    {
      type: 'object',
      properties: { error: { type: 'object', properties: { code: text, message: text, target: text } } },
    },
    {},
  ],
}
const list = (name: string, item: Record<string, RawSchema>): RawSchema => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: { type: 'object', properties: item } } },
})

export const ODATA_BATCH: Operation = {
  method: 'POST',
  path: '/$batch',
  parameters: [],
  body: {
    form: false,
    schema: list('requests', {
      id: text,
      method: text,
      url: text,
      headers,
      body: {},
      if: text,
      atomicityGroup: text,
      dependsOn: { type: 'array', items: text },
    }),
  },
  answer: list('responses', { id: text, atomicityGroup: text, status: { type: 'integer' }, headers, body: answered }),
  lookup: () => undefined,
}
