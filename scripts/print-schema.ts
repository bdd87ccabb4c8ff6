/**
 * Prints the schema that the migrations make into src/store/schema.sql, or, with `--check`, compares and fails when they
 * differ. Works on a Postgres of its own in a temporary folder.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openStore } from '../src/store/index.ts'
import { schemaText } from '../src/store/schema-text.ts'

const FILE = join(import.meta.dirname, '../src/store/schema.sql')

const folder = await mkdtemp(join(tmpdir(), 'causeway-schema-'))
const store = await openStore({ folder, durable: false })
try {
  await migrate(store.pool)
  const text = await schemaText(store.pool)
  if (!process.argv.includes('--check')) {
    await writeFile(FILE, text)
  } else if (text !== (await readFile(FILE, 'utf8').catch(() => ''))) {
    process.stderr.write('src/store/schema.sql is not what the migrations make. Run: node scripts/print-schema.ts\n')
    process.exitCode = 1
  }
} finally {
  await store.close()
  await rm(folder, { recursive: true, force: true })
}
