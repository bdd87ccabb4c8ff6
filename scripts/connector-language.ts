/**
 * What is printed from the fields of the connector language.
 *   node scripts/connector-language.ts            writes docs/connector-language.md
 *   node scripts/connector-language.ts --check    fails when it is stale
 *   node scripts/connector-language.ts --schema   prints the JSON Schema for editors
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { manifestJsonSchema, printReference } from '../src/connector/index.ts'

const page = new URL('../docs/connector-language.md', import.meta.url)

if (process.argv.includes('--schema')) console.log(JSON.stringify(manifestJsonSchema(), null, 2))
else if (!process.argv.includes('--check')) writeFileSync(page, printReference())
else if (readFileSync(page, 'utf8') !== printReference()) {
  console.error('docs/connector-language.md is stale: run `node scripts/connector-language.ts` and commit it.')
  process.exitCode = 1
}
