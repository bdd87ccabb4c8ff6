/** From the result of an expression to what is sent: plain JSON, references taken out, numbers spelled as received. */
import { CausewayError, fitsDouble, isRawNumber, type Json, type JsonObject, rawNumber, setOwn } from '../core/index.ts'
import { decimalsMade, plainJson } from '../expression/index.ts'
import type { Reference, StreamAddress } from './contract.ts'
import { demandOptions } from './options.ts'
import { referenceOf } from './references.ts'
import { isNumeral, numberRule, type Spellings, schemaBelow } from './spelling.ts'

export type OutputRules = {
  from: StreamAddress
  to: StreamAddress
  /** False when the mapping has no `$ref`: then nothing is searched. */
  hasReferences: boolean
  schema: unknown
  /** Fields at whose values the schema lists what it takes; see options.ts. */
  options: ReadonlySet<string> | null
}

/** How a value came about: `direct` ones still hold RawNumbers, `evaluated` ones went through JSONata as doubles and text. */
export type Provenance = 'direct' | 'evaluated'

/** Collects the output of one part. */
export class Output {
  readonly references: Reference[] = []
  readonly #rules: OutputRules
  /** Present when the record has numbers with a spelling of their own. */
  readonly #spellings: Spellings | undefined

  constructor(rules: OutputRules, spellings?: Spellings) {
    this.#rules = rules
    this.#spellings = spellings
  }

  /** The value as it goes into `values` at a path, or `undefined` for nothing. Throws CSW-4004 and CSW-4008. */
  accept(value: unknown, at: (string | number)[], provenance: Provenance): Json | undefined {
    const plain = plainJson(value)
    if (plain === undefined) return undefined
    const { options } = this.#rules
    if (options && (at.length === 0 || options.has(String(at[0]))))
      demandOptions(plain, at.reduce(schemaBelow, this.#rules.schema), at)
    if (!this.#spellings && !this.#rules.hasReferences && decimalsMade.size === 0) return plain
    const schema = at.reduce(schemaBelow, this.#rules.schema)
    return this.#walk(plain, [...at], schema, provenance)
  }

  #walk(value: Json, at: (string | number)[], schema: unknown, provenance: Provenance): Json | undefined {
    if (typeof value === 'string') return this.#text(value, schema, provenance)
    if (typeof value === 'number') return provenance === 'evaluated' ? (this.#spellings?.of(value) ?? value) : value
    if (typeof value !== 'object' || value === null) return value
    if (isRawNumber(value)) return numberRule(schema) === 'text' && !fitsDouble(value.rawJSON) ? value.rawJSON : value
    if (Array.isArray(value)) {
      const inner = schemaBelow(schema, 0)
      return value.map((item, i) => this.#walk(item, [...at, i], inner, provenance) ?? null)
    }
    return this.#object(value, at, schema, provenance)
  }

  #object(value: JsonObject, at: (string | number)[], schema: unknown, provenance: Provenance): Json | undefined {
    const reference = this.#rules.hasReferences ? referenceOf(value, at, this.#rules) : undefined
    if (reference) {
      this.references.push(reference)
      // In a list the place is kept free, in an object the key is left out.
      return typeof at.at(-1) === 'number' ? null : undefined
    }
    const copy: JsonObject = {}
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue
      const walked = this.#walk(item, [...at, key], schemaBelow(schema, key), provenance)
      if (walked !== undefined) setOwn(copy, key, walked)
    }
    return copy
  }

  /** Text that is a number which no double holds, or that decimal arithmetic made, goes out as the schema wants it. */
  #text(value: string, schema: unknown, provenance: Provenance): Json {
    const large = this.#spellings?.isLarge(value) ?? false
    if (!large && !decimalsMade.has(value)) return value
    const rule = numberRule(schema)
    // Where the schema is silent a large number leaves as it came, as a number; made decimals stay text, as do texts that
    // an expression made on purpose ($string(id)).
    const asNumber = rule === 'number' || (rule === 'open' && large && provenance === 'evaluated')
    return asNumber && isNumeral(value) ? rawNumber(value) : value
  }
}

/** The values of a part must be an object; what else an expression may give is not a record. */
export function recordOf(value: Json | undefined): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)) return value
  const what =
    value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
  throw new CausewayError('CSW-4004', { what: `The mapping gave ${what} where a record is needed` })
}
