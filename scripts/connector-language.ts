/**
 * Writes what is printed from the connector language's fields: the reference page and the editor schema.
 *   node scripts/connector-language.ts           writes docs/connector-language.md and connectors/connector.schema.json
 *   node scripts/connector-language.ts --check   fails when one of them is stale
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { manifestJsonSchema, printReference } from '../src/connector/index.ts'

const files = {
  'docs/connector-language.md': printReference(),
  'connectors/connector.schema.json': `${JSON.stringify(manifestJsonSchema())}\n`,
}
const check = process.argv.includes('--check')

for (const [name, wanted] of Object.entries(files)) {
  const file = new URL(`../${name}`, import.meta.url)
  if (!check) writeFileSync(file, wanted)
  else if (current(file) !== wanted) {
    console.error(`${name} is stale: run \`node scripts/connector-language.ts\` and commit it.`)
    process.exitCode = 1
  }
}

function current(file: URL): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
