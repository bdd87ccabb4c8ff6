/** What takes input that others make, and what it may do with it: give a result, or refuse it with a code. */
import { createHmac } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Catalogue, type ConnectorSession, loadConnectors } from '../../src/connector/index.ts'
import { loadManifest } from '../../src/connector/manifest/load.ts'
import { csvFormat } from '../../src/connector/protocols/files/csv.ts'
import type { OpenedFile } from '../../src/connector/protocols/files/place.ts'
import { CausewayError, forExpression, type Json, parseExact } from '../../src/core/index.ts'
import { compileExpression, integrationFunctions } from '../../src/expression/index.ts'
import { readMapping } from '../../src/mapping/index.ts'
import { decodeCursor, decodeTimePlace } from '../../src/store/views/paging.ts'
import type { Target } from './loop.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (...path: string[]): Buffer => readFileSync(join(ROOT, ...path))

/** Runs what may end in a refusal with a code, and in nothing else. */
async function refusable<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof CausewayError && thrown.code !== 'CSW-1001') return undefined
    throw thrown
  }
}

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

const SECRET = 'whsec_of-the-fuzzer'
let stripe: Promise<ConnectorSession> | undefined
const openStripe = (): Promise<ConnectorSession> => {
  const place = placeOfManifests()
  cpSync(join(ROOT, 'connectors/stripe'), join(place, 'stripe'), { recursive: true })
  const catalogue: Catalogue = loadConnectors([place])
  const settings = { key: 'k', webhook_secret: SECRET }
  return catalogue.get('stripe').open({ name: 'fuzzed', settings })
}

/** The first line is the header, `sign` for one that is right; the rest is the body. */
const signature: Target = {
  name: 'signature',
  seeds: () => {
    const event = '{"id":"evt_1","type":"customer.updated","data":{"object":{"object":"customer","id":"cus_1"}}}'
    return [`sign\n${event}`, `t=1760000000,v1=${'0'.repeat(64)},v0=1\n${event}`, 't=,v1=\n[]', '\n'].map((text) =>
      Buffer.from(text),
    )
  },
  run: async (input) => {
    stripe ??= openStripe()
    const session = await stripe
    const end = input.indexOf('\n')
    const line = input.subarray(0, end < 0 ? input.length : end).toString('latin1')
    const body = end < 0 ? Buffer.alloc(0) : input.subarray(end + 1)
    const at = new Date('2026-01-01T00:00:00Z')
    const time = String(at.getTime() / 1_000)
    const digest = createHmac('sha256', SECRET).update(`${time}.`).update(body).digest('hex')
    const headers = { 'stripe-signature': line === 'sign' ? `t=${time},v1=${digest}` : line }
    const verdict = session.verifyWebhook({ headers, body, stream: null, at })
    if (line !== 'sign') must(!verdict.accept, 'a delivery was taken without a right signature')
    if (!verdict.accept) return
    must(verdict.events.length > 0, 'a delivery that was taken made no event')
    const signal = new AbortController().signal
    await refusable(() => session.readEvent({ headers, body, stream: null, signal }))
  },
}

let folder: string | undefined
const placeOfManifests = (): string => {
  if (folder) return folder
  const made = mkdtempSync(join(tmpdir(), 'causeway-fuzz-'))
  process.on('exit', () => rmSync(made, { recursive: true, force: true }))
  folder = made
  return made
}

const manifest: Target = {
  name: 'manifest',
  seeds: () => ['sample-crm', 'sample-erp', 'stripe'].map((name) => read('connectors', name, 'connector.yaml')),
  run: async (input) => {
    const folder = join(placeOfManifests(), 'fuzzed')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'connector.yaml')
    writeFileSync(file, input)
    const loaded = await refusable(() => loadManifest(file))
    if (loaded) must(Boolean(loaded.manifest) || loaded.findings.length > 0, 'a manifest was refused without a word')
  },
}

const mapping: Target = {
  name: 'mapping',
  seeds: () =>
    readdirSync(join(ROOT, 'mappings'))
      .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
      .map((name) => read('mappings', name)),
  run: async (input) => {
    const made = await refusable(() => readMapping(input.toString('utf8'), 'mappings/fuzzed.yaml'))
    if (made) must(Boolean(made.mapping) || made.findings.length > 0, 'a mapping was refused without a word')
  },
}

const cursor: Target = {
  name: 'cursor',
  seeds: () =>
    [[12], ['contacts'], ['2026-01-02T03:04:05.678901Z run 17']].map((key) =>
      Buffer.from(Buffer.from(JSON.stringify(key)).toString('base64url')),
    ),
  run: async (input) => {
    const text = input.toString('utf8')
    const number = await refusable(() => decodeCursor(text, 'number'))
    must(number === undefined || Number.isSafeInteger(number), 'a cursor gave no whole number')
    const name = await refusable(() => decodeCursor(text, 'string'))
    must(name === undefined || !String(name).includes('\0'), 'a cursor gave what the ledger cannot hold')
    const place = await refusable(() => decodeTimePlace(text))
    must(place === undefined || !Number.isNaN(Date.parse(place.at)), 'a cursor gave no time')
  },
}

const handleOf = (bytes: Buffer): OpenedFile =>
  ({
    size: bytes.length,
    exact: true,
    read: async (into: Buffer, at: number) => bytes.copy(into, 0, at),
  }) as unknown as OpenedFile

const csv: Target = {
  name: 'csv',
  seeds: () =>
    ['id,name\r\n1,"Ann ""A"" B"\r\n2,\r\n', '\ufeffid;amount\n1;"1,5"\n', 'a,b,a\n1,2\n"'].map((text) =>
      Buffer.from(text),
    ),
  run: async (input) => {
    for (const delimiter of [',', ';']) {
      const format = csvFormat({ delimiter, quote: '"', encoding: 'utf-8', escapeFormulas: true })
      await refusable(async () => {
        for await (const row of format.rows({ handle: handleOf(input), name: 'fuzzed.csv' }))
          must(row.body !== null || row.error instanceof CausewayError, 'a row was left out without a word')
      })
    }
  },
}

/** Those of everyday mappings, over whatever a record may hold. */
const EXPRESSIONS = [
  '$lowercase(email) & " " & $string(id)',
  'lines[amount > 10].{ "sku": $uppercase(sku), "sum": amount * quantity }',
  '$sum(lines.amount) + $count(**)',
  '$merge([$, { "tags": $distinct(tags), "when": $substringBefore(updated_at, "T") }])',
  '$map($keys($), function($k) { $k & "=" & $string($lookup($$, $k)) })',
].map((source) => compileExpression(source, { functions: integrationFunctions }))

const record: Target = {
  name: 'record',
  seeds: () =>
    [
      '{"id":1,"email":"A@example.org","updated_at":"2026-01-02T00:00:00Z","tags":["x","x"],"lines":[{"sku":"a","amount":12.5,"quantity":2}]}',
      '{"id":12345678901234567890,"lines":{"amount":0.10}}',
      '[null]',
    ].map((text) => Buffer.from(text)),
  run: async (input) => {
    const value = await parsed(input.toString('utf8'))
    if (value === undefined) return
    const again = parseExact(JSON.stringify(value))
    must(JSON.stringify(again) === JSON.stringify(value), 'a record is not what it was after it was written')
    for (const expression of EXPRESSIONS) await refusable(() => expression.evaluate(forExpression(value)))
  },
}

/** Text that is no JSON is refused by its reader with the error of the language. */
async function parsed(text: string): Promise<Json | undefined> {
  try {
    return parseExact(text)
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof CausewayError) return undefined
    throw thrown
  }
}

export const TARGETS: readonly Target[] = [signature, manifest, mapping, cursor, csv, record]
