/** JSON Schemas of an API description, with references resolved as far as they are looked at. */

export type RawSchema = {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, RawSchema>
  items?: RawSchema
  additionalProperties?: boolean | RawSchema
  allOf?: RawSchema[]
  oneOf?: RawSchema[]
  anyOf?: RawSchema[]
  enum?: unknown[]
  format?: string
  required?: string[]
  nullable?: boolean
  description?: string
  example?: unknown
  readOnly?: boolean
  maxLength?: number
  pattern?: string
  [other: string]: unknown
}

/** What a reference of the document (`#/components/schemas/Contact`, `/other/file.yaml#/Contact`) stands for. */
export type Lookup = {
  (reference: string): RawSchema | undefined
  /** References to the schemas that build on this one (`allOf`), where the document tells kinds apart by a discriminator. */
  heirs?: (reference: string) => string[]
}

/** A schema without `$ref` and `allOf` at its top; `undefined` where it leads nowhere. */
export function resolved(schema: RawSchema | undefined, lookup: Lookup, depth = 0): RawSchema | undefined {
  if (!schema || depth > 20) return undefined
  if (schema.$ref !== undefined) {
    const { $ref, ...beside } = schema
    const target = resolved(lookup($ref), lookup, depth + 1)
    // Since OpenAPI 3.1 more may stand beside a reference.
    return target && Object.keys(beside).length ? merged([target, beside]) : target
  }
  if (!schema.allOf) return schema
  const { allOf, ...own } = schema
  const parts = allOf.map((part) => resolved(part, lookup, depth + 1)).filter((part) => part !== undefined)
  return merged([...parts, own])
}

/** What holds where all of these hold: their members together, and the alternatives of each. */
function merged(parts: RawSchema[]): RawSchema {
  const all: RawSchema = {}
  const open = parts.map((part) => part.additionalProperties).find((rest) => rest !== undefined && rest !== false)
  for (const part of parts) {
    const properties = { ...all.properties, ...part.properties }
    const required = [...(all.required ?? []), ...(part.required ?? [])]
    const anyOf = [...(all.anyOf ?? []), ...(part.oneOf ?? []), ...(part.anyOf ?? [])]
    const { oneOf: _, ...rest } = part
    Object.assign(all, rest)
    if (Object.keys(properties).length) all.properties = properties
    if (required.length) all.required = required
    if (anyOf.length) all.anyOf = anyOf
  }
  return open === undefined ? all : { ...all, additionalProperties: open }
}

/** The alternatives a schema names, itself where it names none. */
export function branchesOf(schema: RawSchema, lookup: Lookup, depth = 0): RawSchema[] {
  if (depth > 20) return []
  const alternatives = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((part) => !isCondition(part, schema))
  if (alternatives.length === 0) return [schema]
  const { oneOf: _o, anyOf: _a, ...own } = schema
  const own_ = own.properties ? [own as RawSchema] : []
  // What is said beside the alternatives of further members holds for each of them.
  const rest = own.additionalProperties
  return [
    ...own_,
    ...alternatives.flatMap((part) => {
      const whole = resolved(part, lookup)
      const branches = whole ? branchesOf(whole, lookup, depth + 1) : []
      return rest ? branches.map((branch) => ({ additionalProperties: rest, ...branch })) : branches
    }),
  ]
}

/** Beside members that are named, alternatives may say only which of them have to be there (`required`): no other kind of value. */
const isCondition = (part: RawSchema, { properties }: RawSchema): boolean =>
  properties !== undefined && Object.keys(part).every((name) => CONDITIONS.has(name))
const CONDITIONS = new Set([
  'required',
  'not',
  'title',
  'description',
  'minProperties',
  'maxProperties',
  'dependentRequired',
])
