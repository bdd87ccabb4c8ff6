/**
 * The capability sheet of all connectors, from their manifests and from what stands beside them.
 *   node scripts/print-connectors.ts            writes docs/connectors.md
 *   node scripts/print-connectors.ts --check    fails when it is stale
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ConnectorDescription, loadConnectors, type StreamInfo } from '../src/connector/index.ts'
import { parseYamlData } from '../src/core/index.ts'

const root = join(import.meta.dirname, '..')
const page = join(root, 'docs/connectors.md')
const catalogue = loadConnectors([join(root, 'connectors')])
const realTests = globSync('test/real/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))

/** Statements of databases that cannot be started here. */
const statements = readFileSync(join(root, 'test/connector/protocols/sql-dialects.test.ts'), 'utf8')

/** Connectors whose connections the hub of `test/real` has. */
const realHub = parseYamlData(readFileSync(join(root, 'test/real/hub/causeway.yaml'), 'utf8')) as {
  connections: Record<string, { connector: string }>
}
const connected = new Set(Object.values(realHub.connections).map(({ connector }) => connector))

type Samples = { compared?: string[]; store?: { kind: string; on?: string } }
type Manifest = {
  protocol: string
  /** OData: one for all streams. */
  batch?: object
  streams?: Record<string, { write?: Record<string, { batch?: object; bulk?: object } | string> }>
}

/** Protocols that by themselves write many records at once: in one transaction, or with one writing of the file. */
const WRITES_TOGETHER = new Set(['sql', 'files'])

/** What a connector meets in its contract that speaks to no API. */
const SYSTEMS: Record<string, string> = {
  bucket: 'object store',
  directory: 'directory',
  folder: 'files',
  rows: 'PostgreSQL',
  sftp: 'SFTP server',
}

/** How it is known that a connector does what it says. */
function checksOf({ name, file }: ConnectorDescription): string {
  const samples = join(dirname(file), 'samples', 'api.yaml')
  const described = existsSync(samples) ? (parseYamlData(readFileSync(samples, 'utf8')) as Samples) : null
  const ways = [
    described && (described.store ? `system of its kind (${SYSTEMS[kindOf(described.store)]})` : 'simulator'),
    ...(described?.compared ?? []).map((what) => `description (${what})`),
    name.startsWith('sample-') && 'sample systems',
    statements.includes(`['${name}', `) && 'statements',
    (connected.has(name) || realTests.some((text) => text.includes(`'${name}'`))) && 'real system',
  ]
  return ways.filter(Boolean).join(', ') || '–'
}

const kindOf = ({ kind, on }: NonNullable<Samples['store']>): string => (kind === 'file' ? (on ?? 'folder') : kind)

const mark = (holds: boolean): string => (holds ? 'yes' : '–')

/** Whether several records go out in one call. */
function writesTogether({ name, abilities }: StreamInfo, { protocol, batch, streams }: Manifest): boolean {
  if (!(abilities.create || abilities.update || abilities.upsert || abilities.delete)) return false
  if (batch !== undefined || WRITES_TOGETHER.has(protocol)) return true
  return Object.values(streams?.[name]?.write ?? {}).some(
    (operation) => typeof operation === 'object' && operation !== null && ('batch' in operation || 'bulk' in operation),
  )
}

function row(connector: ConnectorDescription, stream: StreamInfo, manifest: Manifest): string {
  const { abilities } = stream
  const cells = [
    connector.name,
    stream.name,
    mark(abilities.read),
    mark(abilities.incremental),
    abilities.deletions === 'none' ? '–' : abilities.deletions,
    mark(abilities.create),
    mark(abilities.update),
    abilities.upsert ? (abilities.upsertBy.join(', ') || 'yes').replaceAll('|', '\\|') : '–',
    mark(abilities.delete),
    mark(writesTogether(stream, manifest)),
    abilities.lookup.join(', ') || '–',
    mark(abilities.webhook),
    mark(abilities.content),
  ]
  return `| ${cells.join(' | ')} |`
}

const connectors = catalogue.list().map((connector) => connector.describe())
const HEAD = [
  'connector',
  'stream',
  'read',
  'changes',
  'deletions',
  'create',
  'update',
  'upsert by',
  'delete',
  'batch',
  'found by',
  'webhook',
  'files',
]
const printed = `# Connectors

<!-- Printed by \`node scripts/print-connectors.ts\` from the manifests; do not edit. -->

What each connector can do, and how that was checked. \`simulator\`: every check of \`causeway connectors test\` against an API described from the
vendor's documentation. \`system of its kind\`: the same checks against one that is started for them (a PostgreSQL, or a server of ours that shares no
code with the connector). \`description\`: every request and every member that is read, held against the vendor's own description. \`statements\`: the
form of its statements by properties and, where the words are the same, their meaning on PostgreSQL; no server was met. \`real system\`: run against
an installation by \`npm run test:real\`. A connector with none of these was checked by nothing but its schema.

## How they are checked

| connector | system | protocol | category | checked by |
|---|---|---|---|---|
${connectors.map((one) => `| ${one.name} | ${one.title} | ${one.protocol} | ${one.category ?? '–'} | ${checksOf(one)} |`).join('\n')}

## What their streams can do

\`deletions\`: \`tombstones\` come with the changes, \`scan\` needs a complete read. \`batch\`: several records go out in
one call, transaction or writing of the file, each with an outcome of its own. \`found by\`: fields by which records can be looked up.

| ${HEAD.join(' | ')} |
|${HEAD.map(() => '---').join('|')}|
${connectors
  .flatMap((one) => {
    const manifest = parseYamlData(readFileSync(one.file, 'utf8')) as Manifest
    return one.streams.map((stream) => row(one, stream, manifest))
  })
  .join('\n')}
`

if (!process.argv.includes('--check')) writeFileSync(page, printed)
else if (!existsSync(page) || readFileSync(page, 'utf8') !== printed) {
  console.error('docs/connectors.md is stale: run `node scripts/print-connectors.ts` and commit it.')
  process.exitCode = 1
}
