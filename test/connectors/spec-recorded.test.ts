/** What a connector really sends, in its conformance run, held against descriptions of its API. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkAgainstSpec } from '../../src/conformance/index.ts'
import { loadConnectors } from '../../src/connector/index.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-spec-recorded-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const catalogue = loadConnectors([join(import.meta.dirname, '../../connectors')])

const parameter = (name: string, required: boolean) => ({ name, in: 'query', required, schema: {} })
const answer = (schema: object) => ({ 200: { description: 'ok', content: { 'application/json': { schema } } } })
const organization = { type: 'object', properties: { organization: { $ref: '#/components/schemas/Organization' } } }
const priority = { type: 'string', enum: ['urgent', 'high', 'normal', 'low'] }
const many = {
  type: 'object',
  properties: { tickets: { type: 'array', items: { type: 'object', properties: { priority } } } },
}
/** A description as Zendesk's is: `start_time` always required, and no word of what organizations are written with. */
const SPEC = {
  openapi: '3.0.3',
  info: { title: 'Help desk', version: '1' },
  paths: {
    '/api/v2/incremental/tickets/cursor': {
      get: {
        parameters: [parameter('start_time', true), parameter('moon', true), parameter('cursor', false)],
        responses: answer({ type: 'object', properties: { tickets: {}, after_url: {}, end_of_stream: {} } }),
      },
    },
    '/api/v2/tickets/create_many': {
      post: {
        requestBody: { content: { 'application/json': { schema: many } } },
        responses: answer({ type: 'object' }),
      },
    },
    '/api/v2/organizations': {
      get: { responses: answer({ type: 'object', properties: { organizations: {} } }) },
      post: { responses: answer({ $ref: '#/components/schemas/Answer' }) },
    },
    '/api/v2/organizations/{id}': { get: { responses: answer({ $ref: '#/components/schemas/Answer' }) } },
  },
  components: {
    schemas: {
      Answer: organization,
      Organization: {
        type: 'object',
        properties: { id: { type: 'integer', readOnly: true }, name: { type: 'string' }, tags: { type: 'array' } },
      },
    },
  },
}

test('calls that go on at an address of the service need not repeat what the first one said; what is written without a word is asked of the record', async () => {
  const file = join(root, 'api.json')
  writeFileSync(file, JSON.stringify(SPEC))
  const { rows } = await checkAgainstSpec(catalogue, 'zendesk', [file])
  const sent = rows.filter(({ place }) => place.startsWith('sent: '))
  const verdicts = Object.fromEntries(sent.map(({ what, name, verdict }) => [`${what} ${name}`, verdict]))
  expect(verdicts).toMatchObject({
    'parameter start_time': 'checked',
    'parameter cursor': 'checked',
    'parameter moon': 'wrong',
    // What a job has to refuse is sent on purpose.
    'sent tickets.priority': 'checked',
    'sent organization.name': 'checked',
    'sent organization.details': 'unknown',
  })
})
