/** What an editor says of our files that has nothing but their schemas: yaml-language-server, which most editors use. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectorSchema, SCHEMAS } from '../../src/assemble/index.ts'
import { Client } from './client.ts'

const ROOT = join(import.meta.dirname, '../..')
const SERVER = fileURLToPath(import.meta.resolve('yaml-language-server/bin/yaml-language-server'))
const SETTINGS = { validate: true, hover: true, completion: true, schemaStore: { enable: false } }

type Diagnostic = { message: string; range: { start: { line: number } } }
let client: Client
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-schemas-'))
  await mkdir(join(folder, 'files'))
  for (const [kind, schema] of Object.entries({ ...SCHEMAS, connector: connectorSchema() }))
    await writeFile(join(folder, `${kind}.schema.json`), JSON.stringify(schema))
  client = new Client([SERVER, '--stdio'], {
    'workspace/configuration': ({ items }: { items: unknown[] }) => items.map(() => SETTINGS),
    'client/registerCapability': () => null,
  })
  await client.ask('initialize', {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: null,
    capabilities: {
      workspace: { configuration: true },
      textDocument: { publishDiagnostics: {}, hover: {}, completion: {} },
    },
  })
  client.notify('initialized', {})
  client.notify('workspace/didChangeConfiguration', { settings: { yaml: SETTINGS } })
}, 60_000)
afterAll(async () => {
  client?.kill()
  await rm(folder, { recursive: true, force: true })
})

let files = 0
/** Opens a text as a file of a kind, whose schema its first line names, as `init` writes it. */
async function open(kind: string, text: string): Promise<{ uri: string; lines: string[]; diagnostics: Diagnostic[] }> {
  const uri = pathToFileURL(join(folder, 'files', `${files++}.yaml`)).href
  const whole = `# yaml-language-server: $schema=../${kind}.schema.json\n${text.replace(/^# yaml-language-server.*\n/, '')}`
  client.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text: whole } })
  const told = await client.wait(
    ({ method, params }) => method === 'textDocument/publishDiagnostics' && (params as { uri: string }).uri === uri,
  )
  return { uri, lines: whole.split('\n'), ...(told.params as { diagnostics: Diagnostic[] }) }
}

const shipped = async (): Promise<[kind: string, file: string][]> => [
  ['hub', 'causeway.yaml'],
  ['hub', 'src/cli/template/causeway.yaml'],
  ...(await readdir(join(ROOT, 'mappings')))
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .map((name): [string, string] => ['mapping', `mappings/${name}`]),
  ...(await readdir(join(ROOT, 'connectors'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }): [string, string] => ['connector', `connectors/${name}/connector.yaml`]),
]

test('it has nothing to say about any file that is shipped', async () => {
  const all = await shipped()
  expect(all.length).toBeGreaterThan(60)
  const said: string[] = []
  for (const [kind, file] of all) {
    const { diagnostics } = await open(kind, await readFile(join(ROOT, file), 'utf8'))
    said.push(...diagnostics.map(({ message, range }) => `${file}:${range.start.line + 1} ${message}`))
  }
  expect(said).toEqual([])
}, 120_000)

test('what is misspelt is marked on its line; keys are offered and explained', async () => {
  const text = await readFile(join(ROOT, 'src/cli/template/mappings/contacts-to-helpdesk.yaml'), 'utf8')
  const { uri, lines, diagnostics } = await open('mapping', text.replace('match:', 'mtach:'))
  const line = lines.findIndex((one) => one.startsWith('mtach:'))
  expect(diagnostics).toMatchObject([{ message: expect.stringContaining('mtach'), range: { start: { line } } }])

  const offered = await client.ask<{ items: { label: string }[] }>('textDocument/completion', {
    textDocument: { uri },
    position: { line, character: 0 },
  })
  expect(offered.items.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['match', 'with', 'on_leave', 'lanes']),
  )
  const explained = await client.ask<{ contents: { value: string } }>('textDocument/hover', {
    textDocument: { uri },
    position: { line: lines.findIndex((one) => one.startsWith('map:')), character: 1 },
  })
  const { description } = (SCHEMAS.mapping as { properties: { map: { description: string } } }).properties.map
  expect(explained.contents.value.replaceAll('\\', '')).toContain(description.slice(0, 40))
}, 60_000)
