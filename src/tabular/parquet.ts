import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import type { TableContent } from './contract.ts'

type Type = TableContent['columns'][number]['type']
type Value = string | boolean | Date | null
type Cell = string | boolean | number | bigint | Date | null

/** Values of one group: so many are held in memory, and are written without a pause for anybody else. */
const GROUP_VALUES = 200_000

/**
 * How a column is written (Parquet format, logical types). Parquet's decimals have a fixed scale, which a field of JSON does
 * not; numbers that are no integers are therefore doubles, and exact in CSV and in the table only.
 */
const ELEMENTS: Record<Type, { type: string; converted_type?: string }> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  jsonb: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bigint: { type: 'INT64' },
  numeric: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE' },
  timestamptz: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
}

/** Writes an Apache Parquet file (Snappy), group by group. */
export async function writeParquet(path: string, { columns, pages }: TableContent): Promise<void> {
  const writer = fileWriter(path)
  const schema = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }) => ({ name, repetition_type: 'OPTIONAL', ...ELEMENTS[type] })),
  ]
  const file = new ParquetWriter({ writer, schema: schema as never, createdBy: 'causeway' })
  const group = Math.max(500, Math.floor(GROUP_VALUES / Math.max(1, columns.length)))
  let waiting: (readonly Value[])[] = []
  const flush = async (): Promise<void> => {
    if (!waiting.length) return
    const columnData = columns.map(({ name, type }, i) => ({ name, data: waiting.map((row) => cell(row[i]!, type)) }))
    waiting = []
    await file.write({ columnData, rowGroupSize: group })
  }
  for await (const page of pages) {
    waiting.push(...page)
    if (waiting.length >= group) await flush()
  }
  await flush()
  await file.finish()
}

function cell(value: Value, type: Type): Cell {
  if (value === null) return null
  if (type === 'bigint') return BigInt(value as string)
  if (type === 'numeric') return Number(value)
  if (type === 'date') return new Date(`${value as string}T00:00:00Z`)
  return value
}
