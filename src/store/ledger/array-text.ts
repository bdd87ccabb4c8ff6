/**
 * An array as Postgres writes it: `{1,2}`, `{"a","b"}`. node-pg does the same with two regular expressions and several calls
 * per element, which for the dozens of arrays of a batch adds up to 10 µs a record.
 */
export function arrayText(items: readonly (string | number | boolean | null)[]): string {
  return `{${items.map(elementText).join(',')}}`
}

function elementText(item: string | number | boolean | null): string {
  if (item === null) return 'NULL'
  if (typeof item !== 'string') return String(item)
  return item.includes('"') || item.includes('\\') ? `"${item.replace(/["\\]/g, '\\$&')}"` : `"${item}"`
}

/**
 * A column of many rows: where all have the same value, an array of that one. Most columns of a batch are like that, and would be
 * spelled, sent and read once per row. `inRow` takes it apart again.
 */
export function columnText(items: readonly (string | number | boolean | null)[]): string {
  const [first = null] = items
  return arrayText(items.every((item) => item === first) ? items.slice(0, 1) : items)
}

/** SQL that gives the value of a row out of a parameter made by `columnText`; `item` is what `unnest` made of it, null beyond its end. */
export const inRow = (item: string, parameter: string): string =>
  `coalesce(${item}, case when cardinality(${parameter}) = 1 then (${parameter})[1] end)`

/**
 * SQL that gives array parameters as the columns of rows, by name. In a select list, where Postgres takes element by element; `from unnest(…)`
 * first writes each array into a store of its own, which was a tenth of an insert.
 */
export const rowsOf = (columns: Record<string, string>): string =>
  `(select ${Object.entries(columns)
    .map(([name, parameter]) => `unnest(${parameter}) as ${name}`)
    .join(', ')})`
