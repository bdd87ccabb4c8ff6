/** What systems said when something failed, without the person whom an erasure takes out. What is left is the code. */
import type pg from 'pg'
import { columnsOf } from './column-classes.ts'
import { mentions, plainPartOf } from './mentions.ts'

const BATCH = 1_000

/** Errors keep their code; a call and its answer go as a whole; the reason of an event says what became of it. */
const CODE_ONLY = (column: string): string =>
  // Spelled as errors are stored: what waits for a cause is found by it.
  `'{"code":"' || coalesce(substring(${column} from 'CSW-[0-9]{4}'), 'CSW-1001') || '"}'`
const instead = (column: string): string =>
  column === 'exchange' ? 'null' : column === 'reason' ? `'erased'` : CODE_ONLY(column)

/**
 * Takes the words out of everything that failed as a whole at the streams where a person's records are, whomever they name: systems
 * quote people by any of their fields, and which of the words are about whom is not known.
 */
export async function eraseWordsOfStreams(client: pg.PoolClient, streamIds: number[]): Promise<void> {
  const ofStreams = `(from_stream = any($1) or to_stream = any($1))`
  const hasWords = (column: string): string => `${column} like '%"what"%'`
  await client.query(
    `update run set error = ${CODE_ONLY('error')}
      where ${hasWords('error')} and (stream_id = any($1) or sync_id in (select id from sync where ${ofStreams}))`,
    [streamIds],
  )
  await client.query(
    `update stream set last_error = ${CODE_ONLY('last_error')} where ${hasWords('last_error')} and id = any($1)`,
    [streamIds],
  )
  await client.query(
    `update sync set last_error = ${CODE_ONLY('last_error')} where ${hasWords('last_error')} and ${ofStreams}`,
    [streamIds],
  )
}

/** Takes words out wherever they name a value, however the system spelled it: also where no record of that person is known. */
export async function eraseWordsWith(pool: pg.Pool, value: string): Promise<void> {
  for (const { table, column } of columnsOf('words')) {
    let after = ''
    for (;;) {
      const { rows } = await pool.query<{ said: string }>(
        `select distinct ${column} collate "C" as said from ${table}
          where ${column} collate "C" > $1 and position($2 in ${column}) > 0 order by 1 limit $3`,
        [after, plainPartOf(value), BATCH],
      )
      const naming = rows.map(({ said }) => said).filter((said) => mentions(said, value))
      if (naming.length)
        await pool.query(`update ${table} set ${column} = ${instead(column)} where ${column} = any($1)`, [naming])
      if (rows.length < BATCH) break
      after = rows.at(-1)!.said
    }
  }
}
