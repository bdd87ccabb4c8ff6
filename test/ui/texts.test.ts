import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import { chooseLanguage } from '../../src/ui/texts/choose.ts'
import english from '../../src/ui/texts/en.json' with { type: 'json' }
import polish from '../../src/ui/texts/pl.json' with { type: 'json' }

const PAGE = join(import.meta.dirname, '../../src/ui')
/** Words of the API: which of them come is the hub's to say, and what has no word is shown as it came. */
const FROM_API = 'words.'

type Catalogue = Record<string, Record<string, string>>
const flat = (catalogue: Catalogue): Map<string, string> =>
  new Map(
    Object.entries(catalogue).flatMap(([group, texts]) =>
      Object.entries(texts).map(([name, text]): [string, string] => [`${group}.${name}`, text]),
    ),
  )
const EN = flat(english)
const PL = flat(polish)

type Node = { type: string; start: number; end: number; [key: string]: unknown }
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

function walk(value: unknown, parents: Node[], see: (node: Node, parents: Node[]) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, parents, see)
    return
  }
  if (!isNode(value)) return
  see(value, parents)
  for (const child of Object.values(value)) if (typeof child === 'object') walk(child, [value, ...parents], see)
}

const FILES = globSync('**/*.{ts,tsx}', { cwd: PAGE })
  .filter((file) => !file.startsWith('texts/') && file !== 'vite.config.ts')
  .map((file) => {
    const path = join(PAGE, file)
    const source = readFileSync(path, 'utf8')
    return { file: relative(PAGE, path), source, program: parseSync(path, source).program }
  })

type Use = { file: string; key: string | null; group: string | null; names: string[] | null }

/** What is asked of the catalogue: the key, and the names of the values. Null is what cannot be read off the source. */
const USES = FILES.flatMap(({ file, program }) => {
  const uses: Use[] = []
  walk(program, [], (node) => {
    const called = isNode(node.callee) ? node.callee.name : undefined
    if (node.type !== 'CallExpression' || !['t', 'rich', 'word'].includes(String(called))) return
    const [first, second] = node.arguments as Node[]
    const text = first?.type === 'Literal' && typeof first.value === 'string' ? first.value : null
    if (called === 'word') uses.push({ file, key: null, group: text, names: null })
    else uses.push({ file, key: text, group: null, names: namesIn(second) })
  })
  return uses
})

function namesIn(values: Node | undefined): string[] | null {
  if (values === undefined) return []
  if (values.type !== 'ObjectExpression') return null
  const properties = values.properties as Node[]
  return properties.map(({ key }) => String((key as Node).name)).sort()
}

/** The names of what is put into a message, those of tags among them. */
function placeholders(text: string): string[] {
  const names = new Set<string>()
  // 0 is text, 7 is `#`; everything else has a name.
  type Element = { type: number; value: string; options?: Record<string, { value: Element[] }>; children?: Element[] }
  const collect = (elements: Element[]): void => {
    for (const { type, value, options, children } of elements) {
      if (type !== 0 && type !== 7) names.add(value)
      for (const option of Object.values(options ?? {})) collect(option.value)
      collect(children ?? [])
    }
  }
  collect(new IntlMessageFormat(text, 'en').getAst() as Element[])
  return [...names].sort()
}

test('both languages have the same messages, page by page', () => {
  expect([...PL.keys()].filter((key) => !EN.has(key))).toEqual([])
  expect([...EN.keys()].filter((key) => !PL.has(key))).toEqual([])
})

test('a message takes the same values in both languages', () => {
  const differing = [...EN].filter(
    ([key, text]) => placeholders(text).join() !== placeholders(PL.get(key) ?? '').join(),
  )
  expect(differing.map(([key]) => key)).toEqual([])
})

test('every text that is used exists, gets the values it names, and none is unused', () => {
  expect(USES.filter(({ key, group }) => key === null && group === null).map(({ file }) => file)).toEqual([])
  expect(USES.filter(({ key }) => key !== null && !EN.has(key)).map(({ file, key }) => `${file} ${key}`)).toEqual([])
  const wrong = USES.filter(
    ({ key, names }) => key !== null && names?.join() !== placeholders(EN.get(key) ?? '').join(),
  )
  expect(wrong.map(({ file, key, names }) => `${file} ${key} ${names}`)).toEqual([])
  const used = new Set(USES.map(({ key }) => key))
  expect([...EN.keys()].filter((key) => !used.has(key) && !key.startsWith(FROM_API))).toEqual([])
})

test('what counts has the forms that Polish has', () => {
  for (const [key, text] of PL) {
    for (const found of text.matchAll(/, plural,/g)) {
      const rest = text.slice(found.index)
      const forms = ['one', 'few', 'many', 'other'].filter((form) => rest.includes(`${form} {`))
      expect(forms, key).toEqual(['one', 'few', 'many', 'other'])
    }
  }
})

test('Polish is Polish: what says the same in both languages is on a short list', () => {
  const same = [...EN].filter(([key, text]) => PL.get(key) === text && /\p{L}{2}/u.test(text.replace(/\{[^}]*\}/g, '')))
  expect(same.map(([, text]) => text).filter((text) => !SAME_IN_BOTH.has(text))).toEqual([])
})

/** Names, examples and words of the trade that administrators of both languages use. */
const SAME_IN_BOTH = new Set([
  '{ms, number} ms',
  '{value} ms',
  'Plan {id}',
  'user:ada',
  'sync.pause',
  'sync:contacts',
  'crm:contacts',
  'ada@example.org',
  'webhook',
  'Host',
  'alias',
  'from',
  'to',
  'System',
  'Node',
  'admin',
  'operator',
  'viewer',
])

/** Attributes that people read or hear. */
const READ = new Set('title aria-label placeholder label description none verb what alt'.split(' '))
const LETTERS = /\p{L}/u

test('no text stands in the page outside the files of messages', () => {
  const literal: string[] = []
  for (const { file, source, program } of FILES) {
    walk(program, [], (node, parents) => {
      const text = literalText(node, parents, source)
      if (text !== null && LETTERS.test(text) && text !== 'Causeway' && text !== '/hooks/')
        literal.push(`${file}: ${text}`)
    })
  }
  expect(literal).toEqual([])
})

/** The text of a node that people would read as it stands in the source. */
function literalText(node: Node, parents: Node[], source: string): string | null {
  if (node.type === 'JSXText') return isCode(parents) ? null : String(node.value).trim()
  if (node.type === 'JSXAttribute') {
    const value = node.value as Node | null
    return READ.has(String((node.name as Node).name)) && value?.type === 'Literal' ? String(value.value) : null
  }
  if (node.type === 'TemplateLiteral' && isShown(node, parents) && !isCode(parents))
    return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join('')
  const isString = node.type === 'Literal' && typeof node.value === 'string'
  return isString && isShown(node, parents) && !isCode(parents) ? source.slice(node.start + 1, node.end - 1) : null
}

/** Names of files and commands are the same in every language. */
const isCode = (parents: Node[]): boolean => {
  const element = parents.find(({ type }) => type === 'JSXElement')
  const opening = element?.openingElement as Node | undefined
  return ['code', 'kbd', 'pre'].includes(String((opening?.name as Node | undefined)?.name))
}

/** Whether a string goes to the screen: through the branches of a choice, as a child, a spoken attribute or the head of a column. */
function isShown(node: Node, parents: Node[]): boolean {
  let from = node
  for (const [i, parent] of parents.entries()) {
    if (parent.type === 'ConditionalExpression' && parent.test !== from) from = parent
    else if (parent.type === 'LogicalExpression' && parent.right === from) from = parent
    else if (parent.type === 'AssignmentPattern') return READ.has(String((parent.left as Node).name))
    else if (parent.type === 'Property') return parent.value === from && (parent.key as Node).name === 'head'
    else if (parent.type === 'JSXExpressionContainer') {
      const holder = parents[i + 1]
      return holder?.type !== 'JSXAttribute' || READ.has(String((holder.name as Node).name))
    } else return false
  }
  return false
}

test('the address comes before the choice that was kept, and that before the wishes of the browser', () => {
  expect(chooseLanguage('?lang=pl', 'en', ['en-GB'])).toBe('pl')
  expect(chooseLanguage('?lang=xx', 'pl', ['en-GB'])).toBe('pl')
  expect(chooseLanguage('', 'constructor', ['de-DE', 'pl-PL', 'en'])).toBe('pl')
  expect(chooseLanguage('', null, ['de-DE'])).toBe('en')
})

test.each([
  [1, '1 problem czeka na Ciebie'],
  [2, '2 problemy czekają na Ciebie'],
  [5, '5 problemów czeka na Ciebie'],
  [12, '12 problemów czeka na Ciebie'],
  [22, '22 problemy czekają na Ciebie'],
])('%i is counted as Polish counts', (count, words) => {
  expect(new IntlMessageFormat(polish.home.you, 'pl').format({ count })).toBe(words)
})
