import { zstdDecompressSync } from 'node:zlib'
import type pg from 'pg'

/** The tables of the ledger whose rows hold a text somewhere, in the open or in the packed journal. */
export async function tablesWith(pool: pg.Pool, text: string): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
      where table_schema = current_schema() and table_type = 'BASE TABLE'`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    // Bytes are shown in hex.
    const { rowCount } = await pool.query(`select 1 from ${name} t where t::text like $1 or t::text like $2 limit 1`, [
      `%${text}%`,
      `%${Buffer.from(text).toString('hex')}%`,
    ])
    if (rowCount) found.push(name)
  }
  const { rows } = await pool.query<{ entries: Buffer }>('select entries from journal')
  if (rows.some(({ entries }) => zstdDecompressSync(entries).includes(text))) found.push('journal, packed')
  return found
}
