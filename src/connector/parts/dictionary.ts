/** Fields that only the system itself knows: their keys, names and options, asked for and applied both ways. */
import { isObject, isRawNumber, type Json, type JsonObject, setOwn } from '../../core/index.ts'
import { asText, type CompiledPart, data, expression, type Fields, part, text } from '../language/index.ts'
import { isoOf } from '../manifest/fields.ts'
import { ANSWER_NAMES, answerScope, type Caller } from './answer.ts'
import { isTrue } from './errors.ts'
import { listOf } from './read-checks.ts'

const FIELD = ['field', 'settings'] as const
const OPTION = ['option', 'field', 'settings'] as const

const describeFields = {
  fields: expression({
    sense: 'The descriptions in the answer, one per field.',
    names: ANSWER_NAMES,
    required: true,
    example: 'response.data',
  }),
  when: expression({ sense: 'True for the fields that are meant.', names: FIELD, example: 'field.custom' }),
  key: expression({
    sense: 'The name under which the field travels.',
    names: FIELD,
    required: true,
    example: 'field.key',
  }),
  name: expression({
    sense:
      'The name it has in records; without it, the name under which it travels. Where two fields would have one name, they keep that too.',
    names: FIELD,
    example: 'field.label',
  }),
  within: text({
    sense: 'The field of the record that holds them; without it, they stand at its top.',
    pattern: '^[A-Za-z_]\\w*$',
    example: 'custom_fields',
  }),
  options: expression({ sense: 'Its options, where it is a choice.', names: FIELD, example: 'field.options' }),
  option_id: expression({ sense: 'What travels for an option.', names: OPTION, default: 'option.id' }),
  option_label: expression({ sense: 'What records have for it.', names: OPTION, default: 'option.label' }),
  moment: expression({
    sense: 'True where it is a moment that does not come in one spelling: records have it in UTC.',
    names: FIELD,
    example: 'field.type = "datetime"',
  }),
  schema: data({
    sense: 'JSON Schema of the field, merged into that of the stream.',
    names: FIELD,
    example: { type: `\${ field.type = "double" ? "number" : "string" }`, title: `\${ field.label }` },
  }),
}

const EXAMPLE = `
describe:
  path: /contactFields
  fields: response.data
  when: field.custom
  key: field.key
  name: field.label
  options: field.options
  schema: { type: "\${ field.type = 'double' ? 'number' : 'string' }", title: "\${ field.label }" }
`

/** The `describe` of a stream. */
export const describePart = <R extends Fields>(request: (names: readonly string[]) => R) =>
  part({
    title: 'Describe',
    sense:
      'A question that tells which further fields the records have here. Records are given readable names and labels of options, and written back as they travel. Asked once per open connection.',
    fields: { ...request(['settings']), ...describeFields },
    // Its request is one of REST; other protocols have the same fields around theirs.
    ...('path' in request([]) ? { example: EXAMPLE } : {}),
  })
export type DescribeSpec<R> = R & CompiledPart<typeof describeFields>

type Described = {
  key: string
  name: string
  labels: Map<string, string>
  ids: Map<string, Json>
  moment: boolean
  schema: JsonObject
}

/** Asks for the description of a stream's fields. */
export async function describeStream<R>(
  spec: DescribeSpec<R>,
  { caller, settings }: { caller: Caller<R>; settings: JsonObject },
  signal: AbortSignal,
): Promise<Dictionary> {
  const answer = await caller.call(spec, { settings }, { signal, purpose: 'read' })
  if (answer.failure) throw answer.failure
  const found = listOf(spec.fields.evaluate(answerScope(answer, settings))).flatMap((field) => {
    const scope = { field, settings }
    const key = spec.key.evaluate(scope)
    if (key === undefined || key === null || (spec.when && !isTrue(spec.when.evaluate(scope)))) return []
    return [describedOf(spec, asText(key), scope)]
  })
  return new Dictionary(found, spec.within)
}

function describedOf(
  spec: CompiledPart<typeof describeFields>,
  key: string,
  scope: Record<string, unknown>,
): Described {
  const name = spec.name?.evaluate(scope)
  const schema = spec.schema?.evaluate(scope)
  const labels = new Map<string, string>()
  const ids = new Map<string, Json>()
  for (const option of listOf(spec.options?.evaluate(scope))) {
    const id = spec.option_id.evaluate({ ...scope, option })
    const label = spec.option_label.evaluate({ ...scope, option })
    if (id === undefined || id === null || label === undefined || label === null) continue
    labels.set(asText(id), asText(label))
    // Of two options with one label the first is written back.
    if (!ids.has(asText(label))) ids.set(asText(label), id as Json)
  }
  const readable = name === undefined || name === null || name === '' ? key : asText(name)
  const moment = spec.moment !== undefined && isTrue(spec.moment.evaluate(scope))
  return { key, name: readable, labels, ids, moment, schema: isObject(schema) ? (schema as JsonObject) : {} }
}

export class Dictionary {
  private readonly byKey: ReadonlyMap<string, Described>
  private readonly byName: ReadonlyMap<string, Described>
  private readonly within: string | undefined

  constructor(found: readonly Described[], within: string | undefined) {
    const counts = new Map<string, number>()
    for (const { name } of found) counts.set(name, (counts.get(name) ?? 0) + 1)
    const keys = new Set(found.map(({ key }) => key))
    const sound = found.map((one) =>
      (counts.get(one.name) ?? 0) > 1 || (one.name !== one.key && keys.has(one.name)) ? { ...one, name: one.key } : one,
    )
    this.byKey = new Map(sound.map((one) => [one.key, one]))
    this.byName = new Map(sound.map((one) => [one.name, one]))
    this.within = within
  }

  /** A body with readable names and labels. */
  read(body: JsonObject): JsonObject {
    return this.translated(
      body,
      this.byKey,
      ({ name }) => name,
      ({ labels, moment }, value) => labels.get(asText(value)) ?? (moment ? isoOf(value) : value),
    )
  }

  /** Values under the names and with the ids that travel. */
  write(values: JsonObject): JsonObject {
    return this.translated(
      values,
      this.byName,
      ({ key }) => key,
      ({ ids }, value) => ids.get(asText(value)) ?? value,
    )
  }

  /** The schema of the stream with what was described. */
  schema(known: JsonObject | undefined): JsonObject {
    const described: JsonObject = {}
    for (const { name, schema, labels } of this.byKey.values())
      setOwn(described, name, { ...schema, ...(labels.size && !schema.enum ? { examples: [...labels.values()] } : {}) })
    const base: JsonObject = known ?? { type: 'object' }
    const properties = (isObject(base.properties) ? base.properties : {}) as JsonObject
    if (this.within === undefined) return { ...base, properties: { ...described, ...properties } }
    const inner = (isObject(properties[this.within]) ? properties[this.within] : { type: 'object' }) as JsonObject
    const own = (isObject(inner.properties) ? inner.properties : {}) as JsonObject
    return { ...base, properties: { ...properties, [this.within]: { ...inner, properties: { ...described, ...own } } } }
  }

  /** The schema of bodies as they travel: fields at the top, under their keys. */
  travelling(known: JsonObject | undefined): JsonObject {
    const described = Object.fromEntries(
      this.within === undefined ? [...this.byKey].map(([key, { schema }]) => [key, schema]) : [],
    )
    const own = isObject(known?.properties) ? (known.properties as JsonObject) : {}
    return { properties: { ...described, ...own } }
  }

  private translated(
    whole: JsonObject,
    by: ReadonlyMap<string, Described>,
    nameOf: (field: Described) => string,
    labelOf: (field: Described, value: Json) => Json,
  ): JsonObject {
    const holder = this.within === undefined ? whole : whole[this.within]
    if (!isObject(holder)) return whole
    const made: JsonObject = {}
    for (const [name, value] of Object.entries(holder as JsonObject)) {
      const field = by.get(name)
      // A field of the record itself wins over a described one that would take its name.
      const target = field && (nameOf(field) === name || !Object.hasOwn(holder, nameOf(field))) ? nameOf(field) : name
      setOwn(
        made,
        target,
        field && (field.labels.size || field.moment) ? each(value, (item) => labelOf(field, item)) : value,
      )
    }
    return this.within === undefined ? made : { ...whole, [this.within]: made }
  }
}

const each = (value: Json, convert: (item: Json) => Json): Json =>
  Array.isArray(value)
    ? value.map(convert)
    : value === null || (isObject(value) && !isRawNumber(value))
      ? value
      : convert(value)
