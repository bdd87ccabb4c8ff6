import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrayText } from '../../src/store/ledger/array-text.ts'
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
