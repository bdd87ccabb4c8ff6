/** What fields of one name look like in every answer, for readers of the API's document; a schema's own examples come first. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  accepted: 1,
  actions: { create: 3, update: 12 },
  awake: true,
  change: 'changed',
  code: 'CSW-3008',
  connection: 'crm',
  connector: 'hubspot',
  count: 12,
  decided: 2,
  detail: 'TLS 1.3 with crm.example.com',
  discarded: 1,
  entity: 'person',
  field: 'phone',
  file: 'mappings/contacts-to-helpdesk.yaml',
  fix: 'Correct the record at its source, or the mapping.',
  folder: '/hub/analytics',
  from: 'crm:contacts',
  head: 'b5bb9d8014a0f9b1d61e21e796d78dcc',
  id: 17,
  key: '3f1c0a9b7d52',
  label: '$lowercase',
  linked: 40,
  loggedOut: true,
  message: 'The target has no field "phoen".',
  name: 'contacts',
  ok: true,
  outcome: 'success',
  password: true,
  path: 'mappings/contacts-to-helpdesk.yaml',
  records: 12,
  recordId: '4711',
  replayed: 3,
  requestId: '0a6f7c1e-5b0d-4b57-9a43-0d2f6f3c9b1e',
  requeued: 1,
  restored: 990,
  role: 'operator',
  rows: 1_204,
  run: 17,
  sent: true,
  status: 'ok',
  step: 'tls',
  stream: 'crm:contacts',
  sync: 'contacts-to-helpdesk',
  text: 'from: crm:contacts',
  title: 'Contacts',
  to: 'helpdesk:users',
  token: 'eyJuIjozfQ',
  url: 'https://crm.example.com/oauth/authorize?state=…',
  version: 'n4bQgYhMfWWaL-qgxVrQFA',
}

type Schema = {
  properties?: Record<string, Schema>
  items?: Schema
  type?: string | string[]
  examples?: unknown[]
} & Record<string, unknown>

/** The schema with an example at every field whose name is known and whose type it has. */
export function withExamples(schema: Schema): Schema {
  const { properties, items } = schema
  if (!properties && !items) return schema
  return {
    ...schema,
    ...(items ? { items: withExamples(items) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, exemplified(name, withExamples(property))]),
          ),
        }
      : {}),
  }
}

function exemplified(name: string, property: Schema): Schema {
  const example = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  if (example === undefined || property.examples || !isOfType(example, property)) return property
  return { ...property, examples: [example] }
}

/** Choices and patterns have words of their own, which one name does not have everywhere. */
function isOfType(example: unknown, { type, enum: choices, pattern, format, ...rest }: Schema): boolean {
  if (choices || pattern || format || 'const' in rest || 'properties' in rest) return false
  const own = typeof example === 'number' ? 'integer' : typeof example
  return [type ?? []].flat().includes(own)
}
