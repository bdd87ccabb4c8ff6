import { fitsDouble, isRawNumber, type Json, type JsonObject, type RawNumber, rawNumber } from '../core/index.ts'

/** What a schema says about a place in the output. */
export type NumberRule = 'number' | 'text' | 'open'

/** Whether numbers, texts, or either are taken; `open` where the schema is silent or takes both. */
export function numberRule(schema: unknown): NumberRule {
  const types = typesOf(schema)
  const number = types.has('number') || types.has('integer')
  if (number === types.has('string')) return 'open'
  return number ? 'number' : types.size > 0 && types.has('string') ? 'text' : 'open'
}

/** The schema below a key or inside a list; nothing where it does not say. */
export function schemaBelow(schema: unknown, step: string | number): unknown {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { properties, items } = schema as { properties?: JsonObject; items?: unknown }
  if (typeof step === 'number') return items
  return properties && Object.hasOwn(properties, step) ? properties[step] : undefined
}

function typesOf(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set()
  const { type, anyOf, oneOf } = schema as { type?: string | string[]; anyOf?: unknown[]; oneOf?: unknown[] }
  const direct = type === undefined ? [] : [type].flat()
  return new Set([...direct, ...[...(anyOf ?? []), ...(oneOf ?? [])].flatMap((branch) => [...typesOf(branch)])])
}

/**
 * The numbers of one record whose spelling a double loses. JSONata saw the large ones as text and the others as doubles;
 * in what it gives back they are recognised by value.
 */
export class Spellings {
  /** Numbers no double holds, by their text. */
  readonly #large = new Set<string>()
  /** Spelling by double; `null` where the record spells one number in two ways. */
  readonly #odd = new Map<number, string | null>()
  readonly #usual = new Set<number>()

  constructor(values: Iterable<Json>) {
    for (const value of values) this.#collect(value)
  }

  isLarge(text: string): boolean {
    return this.#large.has(text)
  }

  /** The spelling that a calculated-looking number had in the source. Whole numbers are too common to be told apart. */
  of(value: number): RawNumber | undefined {
    const text = Number.isInteger(value) || this.#usual.has(value) ? undefined : this.#odd.get(value)
    return text ? rawNumber(text) : undefined
  }

  #collect(value: Json): void {
    if (typeof value === 'number') this.#usual.add(value)
    else if (isRawNumber(value)) this.#collectRaw(value.rawJSON)
    else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) this.#collect(item)
  }

  #collectRaw(text: string): void {
    if (!fitsDouble(text)) {
      this.#large.add(text)
      return
    }
    const double = Number(text)
    const known = this.#odd.get(double)
    this.#odd.set(double, known === undefined || known === text ? text : null)
  }
}

/** JSON's own numeral, without which text may not be written unquoted. */
export const isNumeral = (text: string): boolean => /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)
