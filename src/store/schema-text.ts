import type pg from 'pg'
import { SCHEMA } from './pool.ts'

/**
 * The schema as it stands after all migrations, as text that reads like SQL and is the same on every machine. It is committed
 * as `schema.sql`, so that a review shows what a migration really does. Written from the catalogue, because the packaged
 * Postgres comes without pg_dump.
 */
export async function schemaText(pool: pg.Pool): Promise<string> {
  const tables = await pool.query<{ oid: number; name: string; head: string }>(TABLES, [SCHEMA])
  const columns = await groups(pool, COLUMNS)
  const constraints = await groups(pool, CONSTRAINTS)
  const indexes = await groups(pool, INDEXES)
  const triggers = await groups(pool, TRIGGERS)
  const blocks = tables.rows.map(({ name, head }) => {
    const inside = [...(columns.get(name) ?? []), ...(constraints.get(name) ?? [])].map((line) => `  ${line}`)
    const after = [...(indexes.get(name) ?? []), ...(triggers.get(name) ?? [])].map((line) => `${line};\n`)
    return `create table ${name} (\n${inside.join(',\n')}\n)${head};\n${after.join('')}`
  })
  const rest = (await groups(pool, OTHERS)).get('') ?? []
  const note =
    '-- Printed by scripts/print-schema.ts from the migrations; not run by anybody. Change a migration, not this file.\n'
  return [note, ...blocks, ...(rest.length ? [rest.map((line) => `${line};\n`).join('')] : [])]
    .join('\n')
    .replaceAll(`${SCHEMA}.`, '')
}

async function groups(pool: pg.Pool, sql: string): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ name: string; line: string }>(sql, [SCHEMA])
  const map = new Map<string, string[]>()
  for (const { name, line } of rows) map.set(name, [...(map.get(name) ?? []), line])
  return map
}

const TABLES = `
select c.relname as name,
       case when c.relispartition then ' partition of ' || (select p.inhparent::regclass::text from pg_inherits p where p.inhrelid = c.oid)
            || ' ' || pg_get_expr(c.relpartbound, c.oid) else '' end
       || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')
       || coalesce(' with (' || (select string_agg(o, ', ' order by o) from unnest(c.reloptions) o) || ')', '') as head
  from pg_class c
 where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
 order by c.relname collate "C"`

const COLUMNS = `
select c.relname as name,
       a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || case when a.attcollation not in (0, t.typcollation) then ' collate ' || quote_ident(l.collname) else '' end
       || case a.attcompression when 'l' then ' compression lz4' when 'p' then ' compression pglz' else '' end
       || case when a.attstorage <> t.typstorage then ' storage ' || a.attstorage::text else '' end
       || case when a.attidentity <> '' then ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity' else '' end
       || case when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
               else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end
       || case when a.attnotnull then ' not null' else '' end as line
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_collation l on l.oid = a.attcollation
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
 order by c.relname collate "C", a.attnum`

// Not-null constraints ('n', since Postgres 18) stand with their columns.
const CONSTRAINTS = `
select c.relname as name, 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid) as line
  from pg_constraint k join pg_class c on c.oid = k.conrelid
 where c.relnamespace = $1::regnamespace and k.contype <> 'n'
 order by c.relname collate "C", k.contype, k.conname collate "C"`

const INDEXES = `
select c.relname as name, pg_get_indexdef(i.indexrelid) as line
  from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
 where c.relnamespace = $1::regnamespace
   and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
 order by c.relname collate "C", x.relname collate "C"`

const TRIGGERS = `
select c.relname as name, pg_get_triggerdef(t.oid) as line
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
 where c.relnamespace = $1::regnamespace and not t.tgisinternal
 order by c.relname collate "C", t.tgname collate "C"`

const OTHERS = `
select '' as name, line from (
  select 'create sequence ' || s.relname as line from pg_class s
   where s.relnamespace = $1::regnamespace and s.relkind = 'S'
     and not exists (select 1 from pg_depend d where d.objid = s.oid and d.deptype = 'i')
  union all
  select 'create view ' || v.relname || ' as ' || pg_get_viewdef(v.oid) from pg_class v
   where v.relnamespace = $1::regnamespace and v.relkind in ('v', 'm')
  union all
  select pg_get_functiondef(f.oid) from pg_proc f where f.pronamespace = $1::regnamespace
) o order by line collate "C"`
