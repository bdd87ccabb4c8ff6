/**
 * What of a newer OpenAPI document would break a client of an older one: less is taken than before, or less is given. Of the well-kept
 * tools none on npm reads OpenAPI 3.1; this knows the words that our own document uses.
 */
type Json = Record<string, unknown>
export type ApiDocument = {
  paths: Record<string, Record<string, Json>>
  components?: { schemas?: Record<string, Json> }
}

/** `taken`: clients send it, so that it must not become narrower. `given`: they read it, so that it must not become wider. */
type Way = 'taken' | 'given'
type Parameter = { name: string; in: string; required?: boolean; schema?: Json }

export function breakingChanges(before: ApiDocument, after: ApiDocument): string[] {
  const found: string[] = []
  for (const [path, item] of Object.entries(before.paths))
    for (const [method, operation] of Object.entries(item)) {
      const name = `${method.toUpperCase()} ${path}`
      const now = after.paths[path]?.[method]
      if (!now) found.push(`${name} is gone`)
      else found.push(...new Comparison(name, before, after).operations(operation, now))
    }
  return found
}

class Comparison {
  readonly #name: string
  readonly #before: ApiDocument
  readonly #after: ApiDocument
  readonly #found: string[] = []

  constructor(name: string, before: ApiDocument, after: ApiDocument) {
    this.#name = name
    this.#before = before
    this.#after = after
  }

  operations(before: Json, after: Json): string[] {
    this.#parameters((before.parameters ?? []) as Parameter[], (after.parameters ?? []) as Parameter[])
    this.#body(before.requestBody as Json | undefined, after.requestBody as Json | undefined)
    this.#answers(before.responses as Json, after.responses as Json)
    if (before.operationId !== after.operationId) this.#note(`its operation id is ${after.operationId} now`)
    if (text(before.security) !== text(after.security)) this.#note('it needs other rights')
    return this.#found
  }

  #note(what: string): void {
    this.#found.push(`${this.#name}: ${what}`)
  }

  #parameters(before: Parameter[], after: Parameter[]): void {
    const same = (one: Parameter) => (other: Parameter) => other.name === one.name && other.in === one.in
    for (const parameter of before) {
      const now = after.find(same(parameter))
      const name = `${parameter.in} parameter ${parameter.name}`
      if (!now) this.#note(`${name} is gone`)
      else this.#schemas('taken', name, parameter.schema ?? {}, now.schema ?? {})
    }
    for (const parameter of after)
      if (parameter.required && !before.find(same(parameter))?.required)
        this.#note(`${parameter.in} parameter ${parameter.name} has to be given`)
  }

  #body(before: Json | undefined, after: Json | undefined): void {
    if (after?.required && !before?.required) this.#note('a body has to be given')
    if (before && !after) this.#note('no body is taken any more')
    else if (before && after) this.#contents('taken', 'body', before, after)
  }

  #answers(before: Json, after: Json): void {
    for (const [status, answer] of Object.entries(before).filter(([code]) => code.startsWith('2'))) {
      if (!after[status]) this.#note(`answer ${status} is gone`)
      else this.#contents('given', `answer ${status}`, answer as Json, after[status] as Json)
    }
  }

  #contents(way: Way, at: string, before: Json, after: Json): void {
    const schemas = ({ content }: Json) => (content ?? {}) as Record<string, { schema?: Json }>
    for (const [type, { schema }] of Object.entries(schemas(before))) {
      const now = schemas(after)[type]
      if (!now) this.#note(`${at} is no longer ${type}`)
      else this.#schemas(way, at, schema ?? {}, now.schema ?? {})
    }
  }

  #schemas(way: Way, at: string, old: Json, young: Json): void {
    const before = resolved(this.#before, old)
    const after = resolved(this.#after, young)
    if (text(before) === text(after)) return
    const [narrow, wide] = way === 'taken' ? [after, before] : [before, after]
    const lost = outside(typesOf(wide), typesOf(narrow))
    if (lost.length) this.#note(`${at} ${way === 'taken' ? 'takes no' : 'may be'} ${lost.join(', ')}`)
    if (way === 'taken') this.#limits(at, before, after)
    this.#properties(way, at, before, after)
    if (before.items && after.items) this.#schemas(way, `${at}[]`, before.items as Json, after.items as Json)
    for (const word of ['anyOf', 'oneOf', 'allOf']) this.#choices(way, at, listOf(before[word]), listOf(after[word]))
  }

  /** What bounds a value that clients send: each may only become wider. */
  #limits(at: string, before: Json, after: Json): void {
    const values = (schema: Json) => ('const' in schema ? [schema.const] : (schema.enum as unknown[] | undefined))
    const [had, has] = [values(before), values(after)]
    const lost = has ? (had ? outside(had.map(text), has.map(text)) : ['what is in no list']) : []
    if (lost.length) this.#note(`${at} takes no ${lost.join(', ')}`)
    for (const word of ['maxLength', 'maximum', 'maxItems', 'maxProperties'])
      if (numberOf(after[word], Infinity) < numberOf(before[word], Infinity)) this.#note(`${at}: ${word} is lower`)
    for (const word of ['minLength', 'minimum', 'minItems', 'minProperties'])
      if (numberOf(after[word], -Infinity) > numberOf(before[word], -Infinity)) this.#note(`${at}: ${word} is higher`)
    for (const word of ['pattern', 'format'])
      if (after[word] !== undefined && after[word] !== before[word]) this.#note(`${at}: ${word} is another`)
    if (after.additionalProperties === false && before.additionalProperties !== false)
      this.#note(`${at} takes no other fields`)
  }

  #properties(way: Way, at: string, before: Json, after: Json): void {
    const [had, has] = [before, after].map(({ properties }) => (properties ?? {}) as Record<string, Json>) as [
      Record<string, Json>,
      Record<string, Json>,
    ]
    for (const [name, schema] of Object.entries(had)) {
      if (has[name]) this.#schemas(way, `${at}.${name}`, schema, has[name])
      else if (way === 'given' || after.additionalProperties === false) this.#note(`${at}.${name} is gone`)
    }
    const [needed, needs] = [before, after].map(({ required }) => listOf(required).map(String)) as [string[], string[]]
    const missing = way === 'taken' ? outside(needs, needed) : outside(needed, needs).filter((name) => has[name])
    for (const name of missing) this.#note(`${at}.${name} ${way === 'taken' ? 'has to be given' : 'may be missing'}`)
  }

  #choices(way: Way, at: string, before: unknown[], after: unknown[]): void {
    if (before.length === after.length) {
      for (const [i, one] of before.entries()) this.#schemas(way, at, one as Json, after[i] as Json)
      return
    }
    const [few, many] = way === 'taken' ? [after, before] : [before, after]
    const lost = outside(many.map(text), few.map(text))
    if (lost.length) this.#note(`${at} ${way === 'taken' ? 'takes less than' : 'may be more than'} before`)
  }
}

const text = (value: unknown): string => JSON.stringify(value) ?? ''
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)
const outside = (these: string[], those: string[]): string[] => these.filter((one) => !those.includes(one))

const ANY = ['null', 'boolean', 'number', 'string', 'array', 'object']
const typesOf = ({ type }: Json): string[] =>
  type === undefined ? ANY : [type].flat().map((one) => (one === 'integer' ? 'number' : String(one)))

/** Descriptions and examples bind nobody. */
function resolved({ components }: ApiDocument, schema: Json): Json {
  const name = /^#\/components\/schemas\/(\w+)$/.exec(String(schema.$ref))?.[1]
  const {
    description: _description,
    examples: _examples,
    title: _title,
    ...rest
  } = name ? (components?.schemas?.[name] ?? {}) : schema
  return rest
}
