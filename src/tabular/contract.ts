/** A table that is written to a file page by page. */
export type TableContent = {
  columns: readonly {
    name: string
    type: 'text' | 'bigint' | 'numeric' | 'boolean' | 'date' | 'timestamptz' | 'jsonb'
  }[]
  /** Values in the order of the columns: numbers, days and JSON as text, truths as boolean, moments as Date. */
  pages: AsyncIterable<readonly (readonly (string | boolean | Date | null)[])[]>
}
