/** Value tables of a mapping: written in its file, or beside it as CSV or YAML. */
import {
  CausewayError,
  type Finding,
  isObject,
  type Json,
  lazily,
  nearestName,
  parseYaml,
  type YamlFile,
  type YamlPath,
} from '../core/index.ts'
import type { HostFunction } from '../expression/index.ts'
import type { MappingFile, TableText } from './schema.ts'

/** What stands for each key. */
type Table = Readonly<Record<string, Json>>
export type Tables = Readonly<Record<string, Table>>

/**
 * Where tables that are files come from: the folder of the mapping, or texts that were given along with its own and, for files
 * that are not among them, what was read before. Without one they are not known.
 */
export type TableSource = { read(path: string): string } | { known: Tables; given?: TableFiles }
/** Texts of table files by the path that the mapping names. */
export type TableFiles = Readonly<Record<string, string>>

const csv = lazily<typeof import('csv-parse/sync')>('csv-parse/sync')
/** The tables of a mapping go to every process that runs it. */
const MAX_CHARS = 2_000_000

type Row = { key: string; value: Json; line: number }

/** All tables of a mapping file. Those of an old version whose files are not at hand are left out. */
export function readTables(
  content: MappingFile,
  yaml: YamlFile,
  source?: TableSource,
): { tables: Tables; findings: Finding[] } {
  const tables: Record<string, Table> = {}
  const findings: Finding[] = []
  for (const [name, text] of Object.entries(content.tables ?? {})) {
    const path = ['tables', name]
    try {
      if ((text.values === undefined) === (text.file === undefined))
        throw refuse(
          'the table needs either "file" or "values"',
          'Name a file beside the mapping, or write the values here.',
        )
      const table = text.values ? inline(text.values) : tableOf(name, text, source)
      if (table) tables[name] = table
    } catch (error) {
      findings.push(findingOf(error as CausewayError, yaml, [...path, 'file']))
    }
  }
  return { tables, findings }
}

/** The files beside a mapping that its tables name; none where its text cannot be read. */
export function tableFilesOf(text: string): string[] {
  try {
    const { tables } = (parseYaml(text, '').value ?? {}) as Partial<MappingFile>
    return Object.values(tables ?? {}).flatMap(({ file }) => (file === undefined ? [] : [file]))
  } catch {
    return []
  }
}

const inline = (values: Record<string, unknown>): Table => Object.assign(Object.create(null), values) as Table

function tableOf(name: string, text: TableText, source?: TableSource): Table | undefined {
  if (!source) return undefined
  const file = text.file!
  if ('known' in source && !Object.hasOwn(source.given ?? {}, file))
    return Object.hasOwn(source.known, name) ? source.known[name] : undefined
  const rows = rowsOf(file, 'known' in source ? source.given![file]! : readText(file, source), text)
  const table = Object.create(null) as Record<string, Json>
  for (const { key, value, line } of rows) {
    if (key in table)
      throw refuse(`the table has two rows for ${JSON.stringify(key)}`, 'Remove one of them.', { file, line })
    table[key] = value
  }
  return table
}

function readText(file: string, source: { read(path: string): string }): string {
  let text: string
  try {
    text = source.read(file)
  } catch (cause) {
    throw refuse(
      `the table ${file} cannot be read: ${(cause as Error).message}`,
      'Name a CSV or YAML file beside the mapping.',
    )
  }
  if (text.length > MAX_CHARS)
    throw refuse(`the table ${file} is larger than 2 MB`, 'Read such data as a stream, and join it with "with".')
  return text
}

function rowsOf(file: string, text: string, { key, value }: TableText): Row[] {
  return file.endsWith('.csv') ? csvRows(file, text, key, value) : yamlRows(file, text, key, value)
}

/** The first column is the key and the second the value, unless the mapping says so; of more columns a row is an object. */
function csvRows(file: string, text: string, key?: string, value?: string): Row[] {
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = csv().parse(text, {
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof records
  } catch (cause) {
    throw refuse(`the table ${file} is no CSV: ${(cause as Error).message}`, 'Correct the file.', { file, line: 1 })
  }
  return records.map(({ record, info }) => {
    const columns = Object.keys(record)
    const keyColumn = known(file, columns, key ?? columns[0]!)
    const chosen = value ?? (columns.length === 2 ? columns.find((column) => column !== keyColumn) : undefined)
    const { [keyColumn]: rowKey, ...rest } = record
    return {
      key: rowKey!,
      value: chosen === undefined ? rest : record[known(file, columns, chosen)]!,
      line: info.lines,
    }
  })
}

/** An object of keys and values, or a list of rows with a column that is the key. */
function yamlRows(file: string, text: string, key?: string, value?: string): Row[] {
  const { value: data, placeOf } = parseYaml(text, file)
  if (Array.isArray(data))
    return data.map((row: unknown, i) => {
      const { line = 1 } = placeOf([i])
      if (!isObject(row as Json))
        throw refuse(`row ${i + 1} of the table is no object`, 'Write { column: value, … }.', { file, line })
      const record = row as Record<string, Json>
      const columns = Object.keys(record)
      const keyColumn = known(file, columns, key ?? columns[0] ?? '', line)
      const { [keyColumn]: rowKey, ...rest } = record
      return {
        key: String(rowKey),
        value: value === undefined ? rest : (record[known(file, columns, value, line)] ?? null),
        line,
      }
    })
  if (!isObject(data as Json))
    throw refuse(`the table ${file} holds no rows`, 'Write keys with values, or a list of rows.', { file, line: 1 })
  return Object.entries(data as Record<string, Json>).map(([rowKey, one]) => ({
    key: rowKey,
    value: value !== undefined && isObject(one) ? ((one as Record<string, Json>)[value] ?? null) : one,
    line: placeOf([rowKey]).line ?? 1,
  }))
}

function known(file: string, columns: string[], column: string, line = 1): string {
  if (columns.includes(column)) return column
  const near = nearestName(column, columns)
  throw refuse(
    `the table has no column "${column}"`,
    near ? `Did you mean "${near}"?` : `Columns: ${columns.join(', ')}.`,
    { file, line },
  )
}

const refuse = (what: string, fix: string, place?: { file: string; line: number }): CausewayError =>
  new CausewayError('CSW-4005', { what, fix, ...(place ? { place: { ...place, column: 1 } } : {}) })

/** Faults inside a table stand at their row, in the file beside the mapping; others where the mapping names the table. */
function findingOf(error: CausewayError, yaml: YamlFile, path: YamlPath): Finding {
  const { code, message, fix, place } = error
  const folder = yaml.file.includes('/') ? yaml.file.slice(0, yaml.file.lastIndexOf('/') + 1) : ''
  return {
    severity: 'error',
    code,
    message,
    fix,
    place: place ? { ...place, file: `${folder}${place.file}` } : yaml.placeOf(path),
  }
}

/**
 * `$table(name, key, otherwise?)`: what the table has for a key. A key that it lacks fails the record, unless there is something to
 * give instead; where there is no key there is no value.
 */
export function tableFunctions(tables: Tables): Readonly<Record<string, HostFunction>> {
  const look = (name: string, key: unknown, given: boolean, otherwise: unknown): unknown => {
    if (key === null) return null
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'boolean')
      throw { code: 'T0410', index: 2, value: key }
    const table = Object.hasOwn(tables, name) ? tables[name]! : undefined
    if (!table) throw new CausewayError('CSW-4007', { what: `There is no table "${name}"` })
    if (Object.hasOwn(table, String(key))) return table[String(key)]
    if (given) return otherwise
    throw new CausewayError('CSW-4007', {
      what: `The table "${name}" has no row for this value`,
      data: { table: name },
    })
  }
  return {
    table: {
      signature: '<sxx?:x>',
      implementation: (...args: unknown[]) => {
        const [name, key, otherwise] = args as [string | undefined, unknown, unknown]
        if (key === undefined || name === undefined) return undefined
        const given = args.length > 2
        return Array.isArray(key)
          ? key.map((one) => look(name, one, given, otherwise))
          : look(name, key, given, otherwise)
      },
    },
  }
}
