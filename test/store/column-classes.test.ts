import { expect, test } from 'vitest'
import { COLUMN_CLASSES } from '../../src/store/column-classes.ts'
import { freshDatabase } from '../postgres.ts'

/** Of every table of ours the columns that can hold words: neither numbers, nor times, nor yes and no. */
const TEXTS = `
select c.relname as table, a.attname as column
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
 where c.relnamespace = 'causeway'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
   and coalesce(e.typcategory, t.typcategory) not in ('N', 'B', 'D', 'T') and t.typname <> 'xid8'
 order by 1, 2`

test('every column that can hold words says whose they are, and no other column does', async () => {
  const { pool } = await freshDatabase()
  const { rows } = await pool.query<{ table: string; column: string }>(TEXTS)
  expect(rows.length).toBeGreaterThan(150)
  const listed = Object.entries(COLUMN_CLASSES).flatMap(([table, classes]) =>
    Object.values(classes).flatMap((columns) => columns.split(' ').map((column) => `${table}.${column}`)),
  )
  expect(listed.sort()).toEqual(rows.map(({ table, column }) => `${table}.${column}`).sort())
})
