/** Prints `docs/errors.md` from the error registry; with `--check` fails when the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodeOf } from '../src/cli/exit-codes.ts'
import { type ErrorCode, errorRegistry } from '../src/core/index.ts'

const FILE = join(import.meta.dirname, '../docs/errors.md')
const rows = Object.entries(errorRegistry)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, { reaction, causeClass, meaning, action }]) => {
    const exit = exitCodeOf({ code: code as ErrorCode, causeClass })
    return `| ${code} | ${reaction} | ${causeClass} | ${exit} | ${meaning} | ${action} |`
  })
const page = `# Error codes

Printed from \`src/core/errors\`; do not edit. Each error says what happened, where, why and what to do. The reaction says what
comes next: \`fix\` = somebody must change something, \`retry\` = the hub tries again by itself, \`dead-letter\` = this record needs
a person and the others go on, \`alert\` = the hub itself is in trouble. A command that fails with it has the [exit code](cli.md#exit-codes) that is given.

| code | reaction | cause | exit | meaning | what to do |
|---|---|---|---|---|---|
${rows.join('\n')}
`

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== page) {
    console.error('docs/errors.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, page)
