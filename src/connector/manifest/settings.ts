/** What a connection has to fill in, and the check of what it filled in. */
import {
  CausewayError,
  type Finding,
  isObject,
  type Json,
  type JsonObject,
  nearestName,
  type Place,
} from '../../core/index.ts'
import { choice, flag, json, list, number, type PartFinding, part, text, type ValueOf } from '../language/fields.ts'

const TYPES = ['text', 'url', 'integer', 'number', 'flag', 'choice', 'list'] as const

/** What a value is checked against. */
type Constraint = {
  type: (typeof TYPES)[number]
  options: string[] | undefined
  minimum: number | undefined
  maximum: number | undefined
  pattern: string | undefined
}

export const settingPart = part({
  title: 'Setting',
  sense: 'One thing a connection fills in.',
  fields: {
    type: choice(TYPES, {
      sense:
        'What kind of value it takes. `url` is an absolute http(s) URL; a trailing slash is dropped. `list` is a list of texts.',
      default: 'text',
    }),
    title: text({ sense: 'A short label for forms.' }),
    description: text({ sense: 'Where to find the value in the other system, in one sentence.' }),
    required: flag({ sense: 'A connection without it is refused.', default: false }),
    secret: flag({
      sense: 'Never shown, logged or stored in plain; a connection gives a reference to it.',
      default: false,
    }),
    default: json({ sense: 'Used when the connection does not give the setting.' }),
    options: list(text({ sense: 'One allowed value.' }), { sense: 'The allowed values of a `choice`.' }),
    minimum: number({ sense: 'Smallest allowed number.' }),
    maximum: number({ sense: 'Largest allowed number.' }),
    pattern: text({ sense: 'Regular expression a text must match as a whole.' }),
    example: json({ sense: 'Shown in forms and in the reference.' }),
  },
  check: (setting): PartFinding[] => [
    ...(setting.type === 'choice' && !setting.options
      ? [{ message: 'a choice without options', fix: 'Add `options: [one, two]`.' }]
      : []),
    ...(setting.secret && setting.default !== undefined
      ? [{ field: 'default', message: 'a secret has no default', fix: 'Remove `default`.' }]
      : []),
    ...(setting.default !== undefined && !setting.secret && faultOf(setting, setting.default)
      ? [{ field: 'default', message: `the default ${faultOf(setting, setting.default)}`, fix: 'Correct the default.' }]
      : []),
  ],
  example: `
settings:
  url: { type: url, required: true, title: Address, example: https://crm.example.com }
  token: { secret: true, required: true, description: 'API token, made under Profile > Access tokens' }
  page_size: { type: integer, default: 100, minimum: 1, maximum: 500 }
`,
})
export type Setting = ValueOf<typeof settingPart>
export type Settings = Record<string, Setting>

/** Checks the settings of a connection; `placeOf` names where a setting stands in the connection's file. */
export function checkSettings(declared: Settings, given: JsonObject, placeOf: (name?: string) => Place): Finding[] {
  const findings: Finding[] = []
  const finding = (message: string, fix: string, name?: string) =>
    findings.push({ severity: 'error', code: 'CSW-2005', message, fix, place: placeOf(name) })
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue
    const near = nearestName(name, Object.keys(declared))
    finding(
      `unknown setting "${name}"`,
      near ? `Did you mean "${near}"?` : `Settings: ${Object.keys(declared).join(', ') || 'none'}.`,
      name,
    )
  }
  for (const [name, setting] of Object.entries(declared)) {
    const value = asTyped(setting, given[name])
    if (value === undefined || value === null || value === '') {
      if (setting.required && setting.default === undefined)
        finding(
          `the setting "${name}" is missing`,
          setting.description ?? `Add \`${name}\` to the settings of the connection.`,
        )
      continue
    }
    const fault = faultOf(setting, value)
    // The value itself is not shown: it may be a secret in the wrong place.
    if (fault) finding(`the setting "${name}" ${fault}`, setting.description ?? 'Correct the value.', name)
  }
  return findings
}

/** Settings as expressions see them: defaults filled in, URLs without trailing slash. Throws CSW-2005 on the first fault. */
export function resolveSettings(declared: Settings, given: JsonObject, connection: string): JsonObject {
  const [fault] = checkSettings(declared, given, () => ({ file: connection }))
  if (fault)
    throw new CausewayError('CSW-2005', { what: `Connection ${connection}: ${fault.message}.`, fix: fault.fix })
  const resolved: JsonObject = {}
  for (const [name, setting] of Object.entries(declared)) {
    const value = asTyped(setting, given[name] ?? setting.default)
    if (value === undefined || value === null || value === '') continue
    resolved[name] = setting.type === 'url' && typeof value === 'string' ? value.replace(/\/+$/, '') : value
  }
  return resolved
}

/** Values that come from environment variables are text, whatever they mean. */
function asTyped({ type }: Constraint, value: Json | undefined): Json | undefined {
  if (typeof value !== 'string') return value
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d+)?$/.test(value)) return Number(value)
  return type === 'flag' && /^(true|false)$/.test(value) ? value === 'true' : value
}

/** What is wrong with a value, or undefined. */
function faultOf(setting: Constraint, value: Json): string | undefined {
  switch (setting.type) {
    case 'integer':
    case 'number':
      return numberFault(setting, value)
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? undefined
        : 'must be a list of texts'
    case 'choice':
      return setting.options?.includes(String(value)) ? undefined : `must be one of ${setting.options?.join(', ')}`
    default:
      return textFault(setting, value)
  }
}

function numberFault(setting: Constraint, value: Json): string | undefined {
  if (typeof value !== 'number' || (setting.type === 'integer' && !Number.isSafeInteger(value)))
    return `must be ${setting.type === 'integer' ? 'a whole number' : 'a number'}`
  if (setting.minimum !== undefined && value < setting.minimum) return `must be at least ${setting.minimum}`
  return setting.maximum !== undefined && value > setting.maximum ? `must be at most ${setting.maximum}` : undefined
}

function textFault(setting: Constraint, value: Json): string | undefined {
  if (typeof value !== 'string')
    return isObject(value) ? 'must be a text, not a mapping' : 'must be a text (put it in quotes)'
  if (setting.pattern && !new RegExp(`^(?:${setting.pattern})$`, 'u').test(value))
    return `must match ${setting.pattern}`
  if (setting.type !== 'url') return undefined
  const url = URL.canParse(value) ? new URL(value) : null
  return url && /^https?:$/.test(url.protocol) && !url.username
    ? undefined
    : 'must be an absolute http(s) URL without user name'
}
