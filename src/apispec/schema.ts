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

/** What a JSON pointer of the document (`#/components/schemas/Contact`) stands for. */
export type Lookup = (reference: string) => RawSchema | undefined

/** A schema without `$ref` and `allOf` at its top; `undefined` where it leads nowhere. */
export function resolved(schema: RawSchema | undefined, lookup: Lookup, depth = 0): RawSchema | undefined {
  if (!schema || depth > 20) return undefined
  if (schema.$ref !== undefined) return resolved(lookup(schema.$ref), lookup, depth + 1)
  if (!schema.allOf) return schema
  const parts = schema.allOf.map((part) => resolved(part, lookup, depth + 1)).filter((part) => part !== undefined)
  const { allOf: _, ...own } = schema
  const all: RawSchema = {}
  for (const part of [...parts, own as RawSchema]) {
    const properties = { ...all.properties, ...part.properties }
    const required = [...(all.required ?? []), ...(part.required ?? [])]
    Object.assign(all, part)
    if (Object.keys(properties).length) all.properties = properties
    if (required.length) all.required = required
  }
  return all
}

/** The alternatives a schema names, itself where it names none. */
export function branchesOf(schema: RawSchema, lookup: Lookup): RawSchema[] {
  const alternatives = schema.oneOf ?? schema.anyOf
  if (!alternatives) return [schema]
  const { oneOf: _o, anyOf: _a, ...own } = schema
  const own_ = own.properties ? [own as RawSchema] : []
  return [
    ...own_,
    ...alternatives.flatMap((part) => {
      const whole = resolved(part, lookup)
      return whole ? branchesOf(whole, lookup) : []
    }),
  ]
}
