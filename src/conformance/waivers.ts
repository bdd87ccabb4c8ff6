/** What connectors are excused from, with the reason: one file, which may only shrink. */
import { existsSync, readFileSync } from 'node:fs'
import { compileSchema, parseYaml, throwOnErrors, validateYaml } from '../core/index.ts'

export type Waiver = { connector: string; stream?: string; check: string; reason: string }

const text = { type: 'string', minLength: 1 }
const schema = {
  type: 'array',
  items: {
    type: 'object',
    properties: { connector: text, stream: text, check: text, reason: { type: 'string', minLength: 10 } },
    required: ['connector', 'check', 'reason'],
    additionalProperties: false,
  },
}

/** Reads waivers.yaml; none where there is no such file. */
export function readWaivers(file: string): Waiver[] {
  if (!existsSync(file)) return []
  const yaml = parseYaml(readFileSync(file, 'utf8'), file)
  throwOnErrors(validateYaml(yaml, compileSchema(schema)))
  return (yaml.value ?? []) as Waiver[]
}
