/** Prints the table of exit codes into `docs/cli.md`; with `--check` fails when it is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, EXIT_MEANINGS } from '../src/cli/exit-codes.ts'

const FILE = join(import.meta.dirname, '../docs/cli.md')
const SECTION = /(?<=^## Exit codes\n\n).*?(?=\n\n## )/ms
const rows = Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`)
const table = [
  'Printed from `src/cli/exit-codes.ts`; which error ends with which of them stands in [errors](errors.md).',
  '',
  '| code | means |',
  '|---|---|',
  ...rows,
].join('\n')

const page = readFileSync(FILE, 'utf8')
if (!SECTION.test(page)) throw new Error(`${FILE} has no section for exit codes.`)
if (process.argv.includes('--check')) {
  if (!page.includes(table)) {
    console.error('docs/cli.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else
  writeFileSync(
    FILE,
    page.replace(SECTION, () => table),
  )
