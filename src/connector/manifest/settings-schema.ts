/** The settings of a connector as JSON Schema, for forms and the API. */
import type { JsonObject } from '../../core/index.ts'
import type { Setting, Settings } from './settings.ts'

export function settingsSchema(settings: Settings): JsonObject {
  const entries = Object.entries(settings)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, setting]) => [name, schemaOf(setting)])),
    required: entries.flatMap(([name, { required }]) => (required ? [name] : [])),
    additionalProperties: false,
  }
}

const TYPES = {
  text: 'string',
  url: 'string',
  integer: 'integer',
  number: 'number',
  flag: 'boolean',
  choice: 'string',
  list: 'array',
} as const

const schemaOf = (setting: Setting): JsonObject => ({
  type: TYPES[setting.type],
  ...(setting.title === undefined ? {} : { title: setting.title }),
  ...(setting.description === undefined ? {} : { description: setting.description }),
  ...(setting.type === 'url' ? { format: 'uri' } : {}),
  ...(setting.type === 'list' ? { items: { type: 'string' } } : {}),
  ...(setting.options ? { enum: [...setting.options] } : {}),
  ...(setting.minimum === undefined ? {} : { minimum: setting.minimum }),
  ...(setting.maximum === undefined ? {} : { maximum: setting.maximum }),
  ...(setting.pattern === undefined ? {} : { pattern: `^(?:${setting.pattern})$` }),
  ...(setting.default === undefined ? {} : { default: setting.default }),
  ...(setting.example === undefined ? {} : { examples: [setting.example] }),
  ...(setting.secret ? { writeOnly: true, 'x-secret': true } : {}),
})
