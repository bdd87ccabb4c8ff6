/** Oracle's own words: statements, and the text of values. Needs no client, so that it is tested without one. */
import type { Json } from '../../../core/index.ts'
import { type Column, type Dialect, quotedTable, type SqlValue } from './dialect.ts'
import { parameterOf } from './parameter.ts'

/** Most expressions of one `in` list. */
const MOST_AMONG = 1_000

/** Formats of the session, by which times and numbers come and go as text. */
export const SESSION = `alter session set nls_date_format = 'YYYY-MM-DD"T"HH24:MI:SS' nls_timestamp_format = 'YYYY-MM-DD"T"HH24:MI:SS.FF9' nls_timestamp_tz_format = 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM' nls_numeric_characters = '.,' time_zone = '+00:00'`

/** Said by its one statement: the id comes back in a parameter of its own. */
export const RETURNING = /\sreturning "[^"]+" into :made$/

export const oracleText: Omit<Dialect, 'connect'> = {
  name: 'oracle',
  defaultPort: 1521,
  // A name cannot hold the quote itself.
  quote: (name) => `"${name.replaceAll('"', '')}"`,
  placeholder: (index) => `:${index}`,
  among: (column, values, from) => {
    const lists: string[] = []
    for (let at = 0; at === 0 || at < values.length; at += MOST_AMONG) {
      const some = values.slice(at, at + MOST_AMONG).map((_, i) => `:${from + at + i}`)
      lists.push(`${column} in (${some.join(', ') || 'null'})`)
    }
    return { text: `(${lists.join(' or ')})`, values: [...values] }
  },
  limited: (select, count) => `${select} fetch first ${count} rows only`,
  rowsPerInsert: () => 1,
  insert: ({ table, columns, rows, key, id }) => {
    const { quote, placeholder } = oracleText
    const into = quotedTable(oracleText, table)
    const names = columns.map(quote)
    const given = names.map((_, i) => placeholder(i + 1))
    const text = key
      ? merge(into, names, key.map(quote), given)
      : `insert into ${into} (${(names.length ? names : [quote(id)]).join(', ')}) values (${given.join(', ') || 'default'}) returning ${quote(id)} into :made`
    return { text, values: [...rows[0]!] }
  },
  now: 'sys_extract_utc(systimestamp)',
  begin: 'set transaction isolation level read committed',
  commit: 'commit',
  rollback: 'rollback',
  columns: (schema, table) => ({
    text: `select c.column_name as "name", c.data_type as "type", decode(c.nullable, 'Y', 1, 0) as "nullable",
                  nvl((select max(1) from all_constraints k join all_cons_columns n on n.owner = k.owner and n.constraint_name = k.constraint_name
                    where k.constraint_type = 'P' and k.owner = c.owner and k.table_name = c.table_name and n.column_name = c.column_name), 0) as "primary",
                  decode(c.virtual_column, 'YES', 1, 0) as "generated"
             from all_tab_cols c
            where c.owner = ${schema ? ':1' : `sys_context('userenv', 'current_schema')`} and c.table_name = ${schema ? ':2' : ':1'} and c.hidden_column = 'NO'
            order by c.column_id`,
    values: schema ? [schema, table] : [table],
  }),
  parameter,
  comparable,
}

/** Update-or-insert in one statement. It gives no id back, which is asked for by the key then. */
function merge(into: string, names: string[], key: string[], given: string[]): string {
  const sets = names.filter((name) => !key.includes(name)).map((name) => `${name} = s.${name}`)
  return [
    `merge into ${into} t using (select ${names.map((name, i) => `${given[i]} as ${name}`).join(', ')} from dual) s`,
    `on (${key.map((name) => `t.${name} = s.${name}`).join(' and ')})`,
    // A column of the condition cannot be set.
    ...(sets.length ? [`when matched then update set ${sets.join(', ')}`] : []),
    `when not matched then insert (${names.join(', ')}) values (${names.map((name) => `s.${name}`).join(', ')})`,
  ].join(' ')
}

function parameter(value: Json, column: Column): SqlValue {
  return parameterOf(value, column, {
    binary: /^(blob|raw|long raw|bfile)/,
    structured: /^(json|n?clob|n?varchar2)/,
    text: (text, type) => (/^(date|timestamp)/.test(type) ? timeFor(text, type) : text),
  })
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?$/

/** ISO times in the formats of the session: with a zone where the column has one, else the wall clock of UTC. */
function timeFor(text: string, type: string): string {
  const [, day, clock = '00:00:00', fraction = '', zone = 'Z'] = TIME.exec(text) ?? []
  if (day === undefined) return text
  const offset = zone === 'Z' ? '+00:00' : zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`
  if (/with (local )?time zone/.test(type)) return `${day}T${clock}${fraction || '.0'}${offset}`
  const utc = offset === '+00:00' ? `${day}T${clock}` : new Date(`${day}T${clock}${offset}`).toISOString().slice(0, 19)
  return type === 'date' ? utc : `${utc}${fraction}`
}

/** A time as `date` and `timestamp` both take it: digits of a second that say nothing go. */
export function comparable(text: string): string {
  const [, day, clock, fraction = '', zone = ''] = TIME.exec(text) ?? []
  if (day === undefined || clock === undefined) return text
  const digits = fraction.replace(/0+$/, '')
  if (zone !== '' && zone !== 'Z') return `${day}T${clock}${digits === '.' || digits === '' ? '.0' : digits}${zone}`
  return `${day}T${clock}${digits === '.' ? '' : digits}${zone === 'Z' ? '+00:00' : ''}`
}

/** A number as JSON spells it; Oracle leaves the zero before the point out. */
export const numberText = (text: string): string => text.replace(/^(-?)\./, '$10.')
