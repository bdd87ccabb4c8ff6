/** Writes `llms.txt` for the package, by which assistants find the pages of `docs/`. Made when it is packed, so that it is never out of date. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const { description } = JSON.parse(read('package.json')) as { description: string }
/** What the README says of a page. */
const said = new Map(
  [...read('README.md').matchAll(/^\| \[(docs\/[\w/-]+\.md)\]\(\1\) \| (.+) \|$/gm)].map(([, page, words]) => [
    page,
    words,
  ]),
)

/** A link to each page of a folder, with its title and what the README says of it. */
function links(folder: string): string[] {
  const pages = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md'))
  return pages.sort().map((name) => {
    const page = `${folder}/${name}`
    const title = /^# (.+)$/m.exec(read(page))?.[1]
    if (title === undefined) throw new Error(`${page} has no title.`)
    const words = said.get(page)
    return `- [${title}](${page})${words ? `: ${words}` : ''}`
  })
}

const text = [
  '# Causeway',
  '',
  `> ${description}`,
  '',
  'Errors have codes: `causeway explain CSW-3003`, or the page of error codes. `causeway mcp` gives an assistant tools for a hub that runs.',
  '',
  '## Docs',
  '',
  '- [README](README.md): what it is and the first steps',
  ...links('docs'),
  '',
  '## Running it',
  '',
  ...links('docs/operate'),
  '',
  '## Optional',
  '',
  '- [Changelog](CHANGELOG.md): what changed for those who use it',
  '',
].join('\n')

writeFileSync(join(ROOT, 'llms.txt'), text)
