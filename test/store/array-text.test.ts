import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrayText, columnText, inRow, rowsOf } from '../../src/store/ledger/array-text.ts'
import { freshDatabase } from '../postgres.ts'

test('what arrayText writes is what Postgres reads', async () => {
  const { pool } = await freshDatabase()
  const text = fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed() && !one.includes('\0'))
  const odd = fc.constantFrom('', 'NULL', 'null', '{}', '"', '\\', 'a,b', ' x ', 'ż"\\"')
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.oneof(text, odd))), async (items) => {
      const { rows } = await pool.query<{ items: string[] }>('select $1::text[] as items', [arrayText(items)])
      expect(rows[0]!.items).toEqual(items)
    }),
    { numRuns: 50 },
  )
  const { rows } = await pool.query('select $1::bigint[] as numbers, $2::boolean[] as flags', [
    arrayText([1, -2, null, Number.MAX_SAFE_INTEGER]),
    arrayText([true, false, null]),
  ])
  expect(rows).toEqual([{ numbers: [1, -2, null, Number.MAX_SAFE_INTEGER], flags: [true, false, null] }])
  await pool.end()
})

test('a column of one value for all rows travels once, and every row gets the value it had', async () => {
  const { pool } = await freshDatabase()
  const value = fc.option(fc.constantFrom('', 'NULL', 'a', 'b'), { freq: 2 })
  const column = fc.oneof(
    fc.array(value, { minLength: 1, maxLength: 5 }),
    fc.tuple(value, fc.integer({ min: 1, max: 5 })).map(([one, count]) => Array<typeof one>(count).fill(one)),
  )
  await fc.assert(
    fc.asyncProperty(column, async (items) => {
      const { rows } = await pool.query<{ item: string | null }>(
        `select ${inRow('t.item', '$2')} as item from ${rowsOf({ place: '$1::int[]', item: '$2::text[]' })} as t order by place`,
        [arrayText(items.map((_, i) => i)), columnText(items)],
      )
      expect(rows.map(({ item }) => item)).toEqual(items)
    }),
    { numRuns: 100 },
  )
  expect([columnText(['x', 'x', 'x']), columnText([null, null]), columnText(['x', null])]).toEqual([
    '{"x"}',
    '{NULL}',
    '{"x",NULL}',
  ])
  await pool.end()
})
