import { type Database, firstRow } from './database.ts'

export type DatabaseFacts = { version: string; bytes: number; records: number; deliveries: number; deadLetters: number }

/** What Postgres it is and how large; rows as Postgres estimates them. */
export const databaseFacts = async (db: Database): Promise<DatabaseFacts | undefined> =>
  firstRow<DatabaseFacts>(
    db,
    `select current_setting('server_version') as version, pg_database_size(current_database())::float8 as bytes,
            (select reltuples::float8 from pg_class where oid = 'record'::regclass) as records,
            (select reltuples::float8 from pg_class where oid = 'delivery'::regclass) as deliveries,
            (select reltuples::float8 from pg_class where oid = 'dead_letter'::regclass) as "deadLetters"`,
    [],
  )
