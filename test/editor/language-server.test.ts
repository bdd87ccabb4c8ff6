/** The language server, spoken to as an editor does: a process of its own, messages on its pipes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BIN } from '../cli/run-cli.ts'
import { Client } from './client.ts'

const ROOT = join(import.meta.dirname, '../..')
const FILE = join(ROOT, 'mappings/crm-contacts-to-erp-customers.yaml')
const uri = pathToFileURL(FILE).href
const TEXT = readFileSync(FILE, 'utf8')

type Published = {
  diagnostics: { range: { start: { line: number; character: number } }; message: string; code: string }[]
}
let client: Client
let version = 1
beforeAll(async () => {
  client = new Client([BIN, '-C', ROOT, 'lsp', '--stdio'])
  const answer = await client.ask<{ serverInfo: object }>('initialize', {
    processId: null,
    rootUri: null,
    capabilities: {},
  })
  expect(answer.serverInfo).toEqual({ name: 'causeway' })
  client.notify('initialized', {})
  client.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version, text: TEXT } })
}, 240_000)
afterAll(() => client.kill())

const published = async () =>
  (
    (await client.wait(({ method, params }) => {
      return method === 'textDocument/publishDiagnostics' && (params as { version: number }).version === version
    })) as { params: Published }
  ).params.diagnostics

function change(text: string): void {
  client.notify('textDocument/didChange', { textDocument: { uri, version: ++version }, contentChanges: [{ text }] })
}

/** The position of the first `|` in a text, which is taken out. */
function withCursor(text: string): { text: string; position: { line: number; character: number } } {
  const before = text.slice(0, text.indexOf('|||')).split('\n')
  return { text: text.replace('|||', ''), position: { line: before.length - 1, character: before.at(-1)!.length } }
}

async function complete(line: string, typed: string): Promise<string[]> {
  const { text, position } = withCursor(TEXT.replace(line, typed))
  change(text)
  const items = await client.ask<{ label: string }[]>('textDocument/completion', { textDocument: { uri }, position })
  return items.map(({ label }) => label)
}

test('a sound mapping has no diagnostics; faults are shown where they are, also against the schemas of both systems', async () => {
  expect(await published()).toEqual([])
  change(
    TEXT.replace('  email: email', '  email: emial')
      .replace('  city: city', '  citty: city')
      .replace('\'"N"\'', '\'"maybe"\'')
      .replace('$company.phone', '$compnay.phone'),
  )
  const found = await published()
  expect(found.map(({ range, message }) => [range.start.line + 1, message.split('\n').at(-1)])).toEqual(
    expect.arrayContaining([[19, 'Did you mean $company?']]),
  )
  change(TEXT.replace('  email: email', '  email: emial').replace('  city: city', '  citty: city'))
  expect((await published()).map(({ range, message }) => [range.start.line + 1, message.split('\n')[1]])).toEqual(
    expect.arrayContaining([
      [18, 'Did you mean "email"?'],
      [22, 'Did you mean "city"?'],
    ]),
  )
})

test('a reference is checked against the other syncs of the hub', async () => {
  const withReference = (to: string, from: string) =>
    TEXT.replace('  city: city', `  city: $ref('${to}', '${from}', id)`)
  const said = async () =>
    (await published()).map(({ message }) => message).filter((message) => /reference/.test(message))
  change(withReference('erp:customers', 'crm:companies'))
  expect(await said()).toEqual([])
  change(withReference('erp:customers', 'crm:compnies'))
  expect(await said()).toEqual([
    'no sync touches crm:compnies, so this reference never gets an id\nDid you mean "crm:companies"?',
  ])
})

test('source paths, joins, functions and target fields are completed', async () => {
  expect(await complete('  street: street', '  street: |||')).toEqual(expect.arrayContaining(['firstName', 'street']))
  expect(await complete('  street: street', '  street: $company.|||')).toEqual(
    expect.arrayContaining(['vatId', 'domain']),
  )
  const names = await complete('  street: street', '  street: $|||')
  expect(names).toEqual(expect.arrayContaining(['$company', '$phone', '$uppercase', '$id']))
  const fields = await complete('  street: street\n', '  |||\n')
  expect(fields).toContain('street')
  expect(fields).not.toContain('city')
})

test('within the quotes of a reference linked streams are completed, within those of a table the tables of the file', async () => {
  expect(await complete('  street: street', `  street: $ref('|||`)).toEqual(
    expect.arrayContaining(['erp:customers', 'crm:companies']),
  )
  expect(await complete('  street: street', `  street: "$ref('erp:customers', 'crm:|||"`)).toContain('crm:companies')
  const tables = 'tables:\n  terms: { values: { a: 1 } }\n  zones:\n    values: { b: 2 }\n'
  expect(await complete('\nmap:\n', `\n${tables}map:\n  id: $table('|||\n`)).toEqual(['terms', 'zones'])
})

test('a join and a table are renamed wherever they are named, in tests too, and what hides them is left alone', async () => {
  const rename = async (marked: string, newName: string) => {
    const { text, position } = withCursor(marked)
    change(text)
    const asked = { textDocument: { uri }, position }
    const { placeholder } = (await client.ask<{ placeholder: string } | null>('textDocument/prepareRename', asked)) ?? {
      placeholder: null,
    }
    const answer = await client.ask<{ changes: Record<string, Edit[]> } | null>('textDocument/rename', {
      ...asked,
      newName,
    })
    return { placeholder, text: answer ? edited(text, answer.changes[uri]!) : null }
  }
  const whole = TEXT.replace('  city: city', `  city: ($company := 'local'; $company)`)
  const marked = whole.replace('$company.phone', '$comp|||any.phone')
  const { placeholder, text } = await rename(marked, 'firm')
  expect(placeholder).toBe('company')
  expect(text).toBe(
    whole
      .replaceAll(/\$company(?=[. ])/g, '$firm')
      .replaceAll(/(?<=[ {])company(?=: (\{|null))/g, 'firm')
      .replace('($firm := ', '($company := '),
  )
  // From where it is defined, the same.
  expect((await rename(whole.replace('  company: {', '  comp|||any: {'), 'firm')).text).toBe(text)
  // A name that is taken, or that means something else, is refused.
  expect((await rename(marked, 'uppercase')).text).toBeNull()
  expect((await rename(marked, 'no name')).text).toBeNull()
  expect((await rename(whole.replace('  street: street', '  street: st|||reet'), 'road')).placeholder).toBeNull()

  const tables = TEXT.replace('\nmap:\n', "\ntables:\n  'zones': { values: { PL: 1 } }\nmap:\n").replace(
    '  city: city',
    `  city: "$string($table('zones', country)) & \\"zones\\""`,
  )
  const moved = await rename(tables.replace("$table('zones'", "$table('zon|||es'"), 'areas')
  expect(moved.text).toBe(tables.replace("'zones':", "'areas':").replace("$table('zones'", "$table('areas'"))
})

type Edit = { range: { start: { line: number; character: number }; end: { character: number } }; newText: string }

/** A text with edits on single lines, the last first. */
function edited(text: string, edits: Edit[]): string {
  const lines = text.split('\n')
  const order = [...edits].sort((a, b) => b.range.start.character - a.range.start.character)
  for (const { range, newText } of order) {
    const { line, character } = range.start
    lines[line] = `${lines[line]!.slice(0, character)}${newText}${lines[line]!.slice(range.end.character)}`
  }
  return lines.join('\n')
}

test('a name is explained: functions with examples, fields with their type', async () => {
  const at = async (marked: string) => {
    const { text, position } = withCursor(TEXT.replace('  street: street', marked))
    change(text)
    const answer = await client.ask<{ contents: { value: string } } | null>('textDocument/hover', {
      textDocument: { uri },
      position,
    })
    return answer?.contents.value ?? ''
  }
  expect(await at('  street: $pho|||ne(mobile)')).toContain('E.164')
  expect(await at('  street: $phone(mob|||ile)')).toMatch(/^`mobile`: string/)
})

test('a test of the file is run from the editor', async () => {
  change(TEXT)
  const lenses = await client.ask<{ command: { arguments: string[]; title: string } }[]>('textDocument/codeLens', {
    textDocument: { uri },
  })
  expect(lenses[0]!.command).toMatchObject({ title: 'run this test', arguments: [uri, 'a contact with everything'] })
  const run = () =>
    client.ask('workspace/executeCommand', { command: 'causeway.runTest', arguments: lenses[0]!.command.arguments })
  expect(await run()).toEqual({ ok: true, message: 'a contact with everything: passed' })
  change(TEXT.replace('phone: +48 000 123 456', 'phone: +48 000 123 457'))
  expect(await run()).toEqual({
    ok: false,
    message: 'a contact with everything: phone: expected "+48 000 123 457", got "+48 000 123 456"',
  })
})

test('it ends when the editor says so', async () => {
  await client.ask('shutdown', {})
  client.notify('exit', {})
  expect(await client.exit).toBe(0)
})
