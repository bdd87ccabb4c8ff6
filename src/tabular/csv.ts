import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import type { TableContent } from './contract.ts'

/** RFC 4180 with a line of names; nothing for null, and quotes around an empty text, so that the two can be told apart. */
export async function writeCsv(path: string, { columns, pages }: TableContent): Promise<void> {
  const lines = stringify({
    header: true,
    columns: columns.map(({ name }) => name),
    record_delimiter: '\r\n',
    cast: {
      string: (value) => (value === '' ? { value, quoted_empty: true } : value),
      boolean: (value) => String(value),
      date: (value) => value.toISOString(),
    },
  })
  await pipeline(Readable.from(rowsOf(pages)), lines, createWriteStream(path, { flags: 'r+' }))
}

async function* rowsOf(pages: TableContent['pages']) {
  for await (const page of pages) yield* page
}
