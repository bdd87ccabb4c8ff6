import { alertsSchema } from './alerts.ts'
import { analyticsSchema } from './analytics.ts'
import { SETTING_NAMES, SETTINGS } from './settings.ts'

const HUB = {
  description: 'Settings of the hub; docs/settings.md describes each.',
  type: ['object', 'null'],
  additionalProperties: false,
  properties: Object.fromEntries(SETTING_NAMES.map((name) => [name, { description: SETTINGS[name].description }])),
} as const

/** What a connection may say. */
const CONNECTION = {
  connector: {
    description: 'Name of a connector, as `causeway connectors list` prints it.',
    type: 'string',
    minLength: 1,
  },
  title: { description: 'What people call this system.', type: 'string' },
  settings: { description: "The connector's settings that are not secret.", type: ['object', 'null'] },
  secrets: {
    description: 'Where each secret is to be found: env:NAME, file:path or store:NAME.',
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
  },
  allow: {
    description: 'Hosts, host:port pairs, addresses or ranges inside private networks that may be dialled. Audited.',
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1 },
  },
  keep: {
    description:
      'How much of the records of a stream stays in the hub once all syncs have delivered it, by name of the stream; `*` stands for all others.',
    type: ['object', 'null'],
    additionalProperties: {
      description: '`full`: all. `used`: the fields that mappings read. `hash`: keyed hashes of the fields.',
      enum: ['full', 'used', 'hash'],
    },
  },
  max_per_second: { description: 'Calls per second at most.', type: 'number', exclusiveMinimum: 0 },
  max_concurrent: { description: 'Calls under way at most.', type: 'integer', minimum: 1, maximum: 256 },
  traceparent: {
    description:
      'Calls carry a `traceparent` header while traces are made, so that the system can go on with the trace.',
    type: 'boolean',
    default: false,
  },
  tls: {
    description: 'Trust and client certificate where the public authorities do not do.',
    type: 'object',
    additionalProperties: false,
    properties: {
      ca: {
        description: 'File with the certificates of a private authority (PEM).',
        type: 'string',
        minLength: 1,
      },
      certificate: { description: 'File with our client certificate (PEM).', type: 'string', minLength: 1 },
      key: { description: 'Reference to the key of the client certificate.', type: 'string' },
    },
    dependencies: { certificate: ['key'], key: ['certificate'] },
  },
} as const

/** JSON Schema (draft-07) of `causeway.yaml`. What it cannot say well (names, references, settings) is checked in code. */
export const hubFileSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Causeway hub',
  type: 'object',
  additionalProperties: false,
  properties: {
    hub: HUB,
    connections: {
      description: 'The installations of systems that this hub works with, by name.',
      type: ['object', 'null'],
      additionalProperties: { $ref: '#/definitions/connection' },
    },
    analytics: {
      description:
        'Plain tables and files that follow streams, for people who ask in SQL; docs/analytics.md describes them.',
      type: ['object', 'null'],
      additionalProperties: analyticsSchema,
    },
    alerts: {
      description: 'Where people are told what is wrong, by name of the route; docs/operate/alerts.md describes them.',
      type: ['object', 'null'],
      additionalProperties: alertsSchema,
    },
    environments: {
      description:
        'What differs in an environment, laid over the rest where `--env` or CAUSEWAY_ENV names it; docs/operate/environments.md.',
      type: ['object', 'null'],
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          hub: HUB,
          connections: {
            description: 'Parts of connections that are defined above.',
            type: ['object', 'null'],
            additionalProperties: { type: 'object', additionalProperties: false, properties: CONNECTION },
          },
          alerts: {
            description: 'Routes that are there instead of those of the same name, or besides.',
            type: ['object', 'null'],
            additionalProperties: alertsSchema,
          },
          tables: {
            description:
              'Files that stand for table files of mappings here, by the path of these; both relative to the hub folder.',
            type: ['object', 'null'],
            additionalProperties: { type: 'string', minLength: 1 },
          },
        },
      },
    },
  },
  definitions: {
    connection: {
      type: 'object',
      additionalProperties: false,
      required: ['connector'],
      properties: CONNECTION,
    },
  },
} as const
