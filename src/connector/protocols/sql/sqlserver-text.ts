/** SQL Server's own words: statements, and the text of values. Needs no client, so that it is tested without one. */
import type { Json } from '../../../core/index.ts'
import { type Column, type Dialect, quotedTable, type SqlValue } from './dialect.ts'
import { parameterOf } from './parameter.ts'

/** Most parameters of one statement are 2,100, some of which the client takes for itself. */
const MOST_PARAMETERS = 2_000

export const sqlServerText: Omit<Dialect, 'connect'> = {
  name: 'mssql',
  defaultPort: 1433,
  quote: (name) => `[${name.replaceAll(']', ']]')}]`,
  placeholder: (index) => `@p${index}`,
  among: (column, values, from) => ({
    text: `${column} in (${values.map((_, i) => `@p${from + i}`).join(', ')})`,
    values: [...values],
  }),
  // `top` would have to stand before the columns, which the caller has written already.
  limited: (select, count) => `${select} offset 0 rows fetch next ${count} rows only`,
  // Rows come back from `output` in any order, so an id that the database makes is known for one row only.
  rowsPerInsert: ({ columns, id, key }) =>
    key === null && columns.includes(id) ? Math.max(1, Math.min(200, Math.floor(MOST_PARAMETERS / columns.length))) : 1,
  insert: ({ table, columns, rows, key, id }) => {
    const { quote } = sqlServerText
    const names = columns.map(quote)
    const tuples = rows.map((row, r) => `(${row.map((_, i) => `@p${r * columns.length + i + 1}`).join(', ')})`)
    const into = quotedTable(sqlServerText, table)
    // A table with triggers gives its output into a table only.
    const made = `output convert(nvarchar(400), inserted.${quote(id)}) into @made`
    const text = key
      ? merge({ into, names, key: key.map(quote), tuples, made })
      : columns.length === 0
        ? `insert into ${into} ${made} default values`
        : `insert into ${into} (${names.join(', ')}) ${made} values ${tuples.join(', ')}`
    return {
      text: `declare @made table (id nvarchar(400)); ${text}; select id from @made for json path, include_null_values`,
      values: rows.flat(),
    }
  },
  now: 'sysutcdatetime()',
  begin: 'begin transaction',
  commit: 'commit transaction',
  rollback: 'if @@trancount > 0 rollback transaction',
  columns: (schema, table) => ({
    text: `select c.name, t.name as type, c.is_nullable as nullable, (case when exists (
                    select 1 from sys.index_columns k join sys.indexes i on i.object_id = k.object_id and i.index_id = k.index_id
                     where i.is_primary_key = 1 and k.object_id = c.object_id and k.column_id = c.column_id) then 1 else 0 end) as [primary],
                  (case when c.is_computed = 1 or c.is_identity = 1 or c.generated_always_type > 0 then 1 else 0 end) as generated
             from sys.columns c join sys.types t on t.user_type_id = c.user_type_id
            where c.object_id = object_id(@p1) order by c.column_id`,
    values: [(schema === null ? [table] : [schema, table]).map(sqlServerText.quote).join('.')],
  }),
  parameter,
  comparable,
}

type Merge = { into: string; names: string[]; key: string[]; tuples: string[]; made: string }

/** Update-or-insert in one statement. Without `holdlock` two of them at once both insert. */
function merge({ into, names, key, tuples, made }: Merge): string {
  const changed = names.filter((name) => !key.includes(name))
  // Something has to be set, or the row that is there gives no output.
  const sets = (changed.length ? changed : key.slice(0, 1)).map((name) => `${name} = s.${name}`)
  return [
    `merge into ${into} with (holdlock) as t using (values ${tuples.join(', ')}) as s (${names.join(', ')})`,
    `on ${key.map((name) => `t.${name} = s.${name}`).join(' and ')}`,
    `when matched then update set ${sets.join(', ')}`,
    `when not matched then insert (${names.join(', ')}) values (${names.map((name) => `s.${name}`).join(', ')}) ${made}`,
  ].join(' ')
}

const MOMENT = /^(small)?datetime|^date$|^time$/

function parameter(value: Json, column: Column): SqlValue {
  return parameterOf(value, column, {
    binary: /^(var)?binary$|^image$|^(timestamp|rowversion)$/,
    structured: /^n?(var)?char$|^n?text$|^json$/,
    text: (text, type) => (MOMENT.test(type) ? comparable(text) : text),
  })
}

/**
 * A time as all types of SQL Server take it: `datetime` refuses more than three digits of a second, `datetime2` takes seven. Digits
 * that say nothing go, and with a zone it stays what it is, for only `datetimeoffset` has one.
 */
export function comparable(text: string): string {
  const [, moment, fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(text.replace(' ', 'T')) ?? []
  if (moment === undefined) return text
  const digits = fraction.slice(0, 8).replace(/0+$/, '')
  return `${moment}${digits === '.' ? '' : digits}${zone}`
}
