/** Prints `docs/entity-files.md` from the schema of entity files and the kinds of fields; with `--check` fails when it is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entityFileSchema, FIELD_KINDS } from '../src/identity/index.ts'

const FILE = join(import.meta.dirname, '../docs/entity-files.md')

type Node = {
  description?: string
  enum?: string[]
  required?: string[]
  properties?: Record<string, Node>
  items?: Node
  additionalProperties?: Node | boolean
}

/** Keys of an object, those of the objects below it after it. */
function rows(node: Node, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const at = path + key
    const needed = node.required?.includes(key) ? 'needed' : ''
    const words = child.enum && key !== 'kind' ? ` (${child.enum.map((word) => `\`${word}\``).join(', ')})` : ''
    const row = `| \`${at}\` | ${needed} | ${(child.description ?? '') + words} |`
    const map = typeof child.additionalProperties === 'object' ? child.additionalProperties : undefined
    const below = child.properties
      ? rows(child, `${at}.`)
      : child.items?.properties
        ? rows(child.items, `${at}[].`)
        : map?.properties
          ? rows(map, `${at}.NAME.`)
          : []
    return [row, ...below]
  })
}

const kinds = Object.entries(FIELD_KINDS).map(
  ([name, { description, isKey }]) => `| \`${name}\` | ${isKey ? 'yes' : ''} | ${description} |`,
)
const page = `# Entity files: reference

Printed from \`src/identity\`; do not edit. What entities are for, and an example: [entities](entities.md).

## Keys

| key | | |
|---|---|---|
${rows(entityFileSchema as Node, '').join('\n')}

\`causeway schema entity\` prints the JSON Schema, for editors.

## Kinds of fields

| kind | is a key | |
|---|---|---|
${kinds.join('\n')}

Two records with the same value of a key are candidates for being the same; so are records that share other marks, such as the
beginnings of two words of a name, a date, or the numbers of an address. A mark that more than 60 records share brings nobody together.
`

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== page) {
    console.error('docs/entity-files.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, page)
