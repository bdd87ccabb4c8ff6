/** The reference page of the manifest language (`docs/connector-language.md`), printed from the fields themselves. */
import type { Part } from '../language/fields.ts'
import { printSection, sectionsOf } from '../language/reference.ts'
import { protocols } from '../protocols/index.ts'
import { manifestPart } from './manifest.ts'

const HEAD = `# The connector language

<!-- Printed by \`node scripts/connector-language.ts\` from the field descriptions in src/connector; do not edit. -->

A connector is a folder with a \`connector.yaml\`. This page lists every field of it. \`connectors/README.md\` shows the shape by
example, and explains expressions and \`\${ … }\` inserts.

**Names** are what an expression or insert may start from. \`settings\` are those of the connection; \`record\` is one record as it was
received; \`response\`, \`status\` and \`headers\` (lower case) are those of an answer; \`since\`, \`cursor\` and \`page\` (\`size\`, \`number\`,
\`offset\`) say where reading stands; \`values\` are the fields to write, \`known\` what the target is known to hold, \`record\` both together;
\`key\` has \`field\` and \`value\`. Expressions are JSONata without lambdas, regular expressions, \`$map\`, \`$filter\`, \`$reduce\`, \`$sort\`, sorting and grouping:
use paths and predicates. As everywhere in JSONata, a step over a list gives a single match without its list: where a list is wanted,
write \`[ids.$number()]\`.`

export function printReference(): string {
  const seen = new Set<Part>()
  const pages = Object.values(protocols).map((protocol) => {
    const [top, ...inner] = sectionsOf('', manifestPart(protocol), seen)
    const sections = [
      printSection({ path: '', part: top!.part }, 2),
      ...inner.map((section) => printSection(section, 3)),
    ]
    return [...sections, '### A whole connector', `\`\`\`yaml\n${protocol.example.trim()}\n\`\`\``].join('\n\n')
  })
  return `${[HEAD, ...pages].join('\n\n')}\n`
}
