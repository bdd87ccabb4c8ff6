/** The whole manifest: what every connector has, and what its protocol adds. */
import { choice, type Field, type Fields, integer, map, type Part, part, section, text } from '../language/fields.ts'
import { checkingSchema, partSchema } from '../language/schema.ts'
import { webhooksPart } from '../parts/webhook.ts'
import type { Protocol } from '../protocols/contract.ts'
import { protocols } from '../protocols/index.ts'
import { CONNECTOR_NAME, SETTING_NAME, STREAM_NAME } from './names.ts'
import { settingPart } from './settings.ts'
import { commonStreamFields } from './stream.ts'

/** The version of the language this hub reads. */
const LANGUAGE = 1

export const manifestFields = {
  language: integer({
    sense: 'Version of the manifest language.',
    required: true,
    minimum: 1,
    maximum: LANGUAGE,
    example: 1,
  }),
  name: text({
    sense: 'Name of the connector; that of its folder.',
    required: true,
    pattern: CONNECTOR_NAME,
    example: 'acme-crm',
  }),
  title: text({ sense: 'What people call the system.', required: true, example: 'Acme CRM' }),
  description: text({ sense: 'What the connector does, in one or two sentences.' }),
  version: text({ sense: 'Version of the connector itself.', example: '1.2.0' }),
  documentation: text({ sense: "Address of the system's own API documentation.", pattern: '^https?://' }),
  category: choice(
    ['crm', 'marketing', 'service', 'sales', 'erp', 'hrm', 'finance', 'documents', 'directory', 'generic'],
    { sense: 'What kind of system it is.' },
  ),
  protocol: choice(Object.keys(protocols), { sense: 'How the system is spoken to.', required: true, example: 'rest' }),
  settings: map(section(settingPart, { sense: 'One setting.' }), {
    sense: 'What a connection fills in. Expressions see it as `settings`.',
    keys: SETTING_NAME,
    default: {},
  }),
  webhooks: section(webhooksPart, { sense: 'Events the system sends by itself.' }),
} satisfies Fields

/** A stream of the given protocol. */
export const streamPart = (protocol: Protocol): Part =>
  part({
    title: 'Stream',
    sense: 'Records of one type.',
    fields: { ...commonStreamFields(protocol.defaults), ...protocol.stream } as Record<string, Field>,
  })

/** The manifest of the given protocol. */
export function manifestPart(protocol: Protocol): Part {
  const known = parts.get(protocol)
  if (known) return known
  const made = part({
    title: `${protocol.title} connector`,
    sense: protocol.sense,
    fields: {
      ...manifestFields,
      ...protocol.connector,
      streams: map(section(streamPart(protocol), { sense: 'One stream.' }), {
        sense: 'The types of records, by name.',
        keys: STREAM_NAME,
        required: true,
      }),
    } as Record<string, Field>,
  })
  parts.set(protocol, made)
  return made
}
const parts = new Map<Protocol, Part>()
const schemas = new Map<Protocol, object>()

/** The closed JSON Schema that manifests of one protocol are checked with. */
export function manifestSchema(protocol: Protocol): object {
  const known = schemas.get(protocol) ?? checkingSchema(manifestPart(protocol))
  schemas.set(protocol, known)
  return known
}

/** The JSON Schema (draft-07) for editors: the protocol decides which of the closed schemas applies. */
export function manifestJsonSchema(): object {
  const all = Object.values(protocols)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Causeway connector manifest',
    type: 'object',
    required: ['language', 'name', 'title', 'protocol', 'streams'],
    properties: {
      language: true,
      name: true,
      title: true,
      protocol: { enum: all.map(({ name }) => name) },
      streams: true,
    },
    allOf: all.map((protocol) => ({
      if: { properties: { protocol: { const: protocol.name } }, required: ['protocol'] },
      // biome-ignore lint/suspicious/noThenProperty: `then` is JSON Schema's own word.
      then: { $ref: `#/definitions/${protocol.name}` },
    })),
    definitions: Object.fromEntries(all.map((protocol) => [protocol.name, partSchema(manifestPart(protocol))])),
  }
}
