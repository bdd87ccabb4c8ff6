/** Records as the rows of a file, written and read by code that the connectors do not share. */
import { csvOf, csvRecords } from '../languages/csv.ts'
import type { Item } from '../paths.ts'
import { workbookOf } from './workbook.ts'

export type RowFormat = {
  write(records: Item[]): Buffer
  /** Null where nobody but this side writes such files. */
  read: ((bytes: Buffer) => Item[]) | null
}

export function rowFormat(name: 'csv' | 'jsonl' | 'xlsx', days: readonly string[] = []): RowFormat {
  if (name === 'xlsx') return { write: (records) => workbookOf(columnsOf(records), records, days), read: null }
  if (name === 'csv')
    return {
      write: (records) => Buffer.from(csvOf(records, columnsOf(records))),
      read: (bytes) => csvRecords(bytes.toString('utf8')),
    }
  return {
    write: (records) => Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
    read: (bytes) =>
      bytes
        .toString('utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Item])),
  }
}

const columnsOf = (records: Item[]): string[] => [...new Set(records.flatMap((record) => Object.keys(record)))]
