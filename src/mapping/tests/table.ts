/** Tables: one test per row, with the row's values in place of `${ name }` inserts. */
import { isObject } from '../../core/index.ts'
import type { TestCase } from '../schema.ts'

/** A table's row in place of its `${ name }` inserts; a text that is one insert takes the value with its type. */
export function unrolled({ table: _table, ...test }: TestCase, row: Record<string, unknown>, index: number): TestCase {
  const filled = filledWith(test, row) as TestCase
  return { ...filled, name: filled.name === test.name ? `${test.name} [${index + 1}]` : filled.name }
}

export const INSERT = /\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}/g

function filledWith(value: unknown, row: Record<string, unknown>): unknown {
  if (typeof value === 'string') {
    const [whole] = value.matchAll(INSERT)
    if (whole && whole[0] === value) return row[whole[1]!]
    return value.replaceAll(INSERT, (_insert, name: string) => textOf(row[name]))
  }
  if (Array.isArray(value)) return value.map((item) => filledWith(item, row))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledWith(item, row)]))
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null))
