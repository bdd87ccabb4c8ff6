/** Prints `docs/functions.md` from the functions themselves; with `--check` fails when the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { integrationFunctionGroups } from '../src/expression/index.ts'

const FILE = join(import.meta.dirname, '../docs/functions.md')
const shown = (value: unknown): string => (value === null ? 'nothing' : `\`${JSON.stringify(value)}\``)
const groups = Object.entries(integrationFunctionGroups).map(([title, functions]) => {
  const rows = Object.values(functions).map(({ usage, sense, examples }) => {
    const lines = examples.map(([expression, gives]) => `\`${expression}\` → ${shown(gives)}`.replaceAll('|', '\\|'))
    return `| \`${usage}\` | ${sense} | ${lines.join('<br>')} |`.replaceAll('\n', '\\n')
  })
  return `## ${title}\n\n| call | gives | for example |\n|---|---|---|\n${rows.join('\n')}\n`
})
const page = `# Functions

What mappings can call beyond [JSONata's own functions](https://docs.jsonata.org). Printed from \`src/expression/functions\`; do not
edit. A missing argument gives nothing, as everywhere in JSONata; \`$ref\` and joins are described with the [mapping
files](mapping-files.md).

${groups.join('\n')}`

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== page) {
    console.error('docs/functions.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, page)
