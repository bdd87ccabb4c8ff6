/** Prints docs/settings.md from the settings' descriptions, or, with `--check`, fails when the page is out of date. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settingsPage } from '../src/config/index.ts'

const FILE = join(import.meta.dirname, '../docs/settings.md')

if (!process.argv.includes('--check')) {
  await writeFile(FILE, settingsPage())
} else if (settingsPage() !== (await readFile(FILE, 'utf8').catch(() => ''))) {
  process.stderr.write('docs/settings.md is out of date. Run: node scripts/print-settings.ts\n')
  process.exitCode = 1
}
