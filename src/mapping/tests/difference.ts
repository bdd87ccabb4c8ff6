/** Structural difference of two JSON values, one line for each path that differs. */
import { fitsDouble, isObject, isRawNumber, type Json } from '../../core/index.ts'

export type Comparison = {
  /** `contains` lets objects hold more than expected; lists must have the same length either way. */
  how: 'equals' | 'contains'
  /** True when the expected side was written as JSON text, so that 0.10 means 0.10 and not 0.1. */
  spelling: boolean
}

/** Lines that say what was expected and what came, or none when the values agree. */
export function differences(expected: Json | undefined, actual: Json | undefined, comparison: Comparison): string[] {
  return compare(expected, actual, '', comparison)
}

function compare(expected: Json | undefined, actual: Json | undefined, path: string, comparison: Comparison): string[] {
  if (isObject(expected) && isObject(actual)) {
    const names = new Set([...Object.keys(expected), ...(comparison.how === 'equals' ? Object.keys(actual) : [])])
    return [...names].flatMap((name) => {
      const [a, b] = [own(expected, name), own(actual, name)]
      return compare(a, b, path ? `${path}.${name}` : name, comparison)
    })
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length)
    return Array.from({ length }, (_, i) => compare(expected[i], actual[i], `${path}[${i}]`, comparison)).flat()
  }
  if (sameScalar(expected, actual, comparison.spelling)) return []
  const where = path || 'the record'
  if (actual === undefined) return [`${where}: expected ${shown(expected)}, got nothing`]
  if (expected === undefined) return [`${where}: not expected, got ${shown(actual)}`]
  return [`${where}: expected ${shown(expected)}, got ${shown(actual)}`]
}

const own = (value: Record<string, Json>, name: string): Json | undefined =>
  Object.hasOwn(value, name) ? value[name] : undefined

function sameScalar(expected: Json | undefined, actual: Json | undefined, spelling: boolean): boolean {
  if (expected === actual) return true
  if (isRawNumber(expected) || isRawNumber(actual)) {
    if (spelling) return JSON.stringify(expected) === JSON.stringify(actual)
    const [a, b] = [numberOf(expected), numberOf(actual)]
    return a !== undefined && a === b
  }
  // Of two containers only empty ones of the same kind are left to agree here, and those differ in nothing.
  return false
}

function numberOf(value: Json | undefined): number | string | undefined {
  if (typeof value === 'number') return value
  if (!isRawNumber(value)) return undefined
  return fitsDouble(value.rawJSON) ? Number(value.rawJSON) : value.rawJSON
}

const shown = (value: Json | undefined): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 197)}...` : text
}
