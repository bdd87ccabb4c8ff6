/**
 * vCard 3.0 and 4.0 (RFC 2426, 6350) as JSON, and changes back into a card. Reading goes through ical.js. Writing replaces whole
 * properties and leaves the lines of all others as they stand, so that what we do not know survives byte for byte.
 */
import { createHash } from 'node:crypto'
import ICAL from 'ical.js'
import { CausewayError, isObject, type Json, type JsonObject } from '../../../core/index.ts'

/** `[name, parameters, type, value …]`, jCard's form of a property (RFC 7095). */
type Property = [name: string, parameters: Record<string, string | string[]>, type: string, ...values: unknown[]]

const NAME = ['family', 'given', 'additional', 'prefix', 'suffix'] as const
const ADDRESS = ['po_box', 'extended', 'street', 'city', 'region', 'code', 'country'] as const

/** Fields of the body that are one text each, with their property. */
const TEXTS = {
  uid: 'uid',
  fn: 'fn',
  title: 'title',
  role: 'role',
  note: 'note',
  birthday: 'bday',
  kind: 'kind',
} as const
/** Fields that are lists of `{ value, types }`. */
const TYPED = { emails: 'email', phones: 'tel', urls: 'url' } as const
/** Fields that are lists of texts: in one property (`org`), or over several (`categories`). */
const LISTS = { org: 'org', categories: 'categories', nicknames: 'nickname' } as const

/** The fields of a card. Throws CSW-5001 for a text that is no single card. */
export function readCard(text: string): JsonObject {
  const properties = parsed(text)
  const named = (name: string) => properties.filter(([own]) => own === name)
  const body: JsonObject = {}
  // A comma in a text is to be escaped; where a server left it bare, the parser may take it for the end of one value of several.
  for (const [field, name] of Object.entries(TEXTS)) body[field] = oneText(named(name)[0]?.slice(3))
  body.name = partsOf(named('n')[0]?.[3], NAME)
  for (const [field, name] of Object.entries(TYPED))
    body[field] = named(name).map(([, parameters, , value]) => ({
      value: textOf(value) ?? '',
      types: typesOf(parameters),
    }))
  for (const [field, name] of Object.entries(LISTS))
    body[field] = named(name).flatMap(([, , , ...values]) => values.flat().map((value) => textOf(value) ?? ''))
  body.addresses = named('adr').map(([, parameters, , value]) => ({
    ...(partsOf(value, ADDRESS) as JsonObject),
    types: typesOf(parameters),
  }))
  body.revised = textOf(named('rev')[0]?.[3]) ?? null
  return body
}

function parsed(text: string): Property[] {
  const backslash = signNotIn(text)
  try {
    const card = ICAL.parse(readable(text, backslash)) as [string, Property[]]
    if (card[0] === 'vcard') return card[1].map((property) => restored(property, backslash))
  } catch {
    // The reason is the parser's own; the text may hold personal data, so neither is shown.
  }
  throw new CausewayError('CSW-5001', { what: 'A resource of the address book is no vCard.' })
}

/** Properties that are one text, in which `;` separates nothing; some servers write `\\;` there all the same (RFC 2426 asks for it). */
const ONE_TEXT = new RegExp(`^(?:[\\w-]+\\.)?(?:${Object.values(TEXTS).join('|')})[;:]`, 'i')

/**
 * ical.js leaves `\\;` as it is, where it could no longer be told from a backslash before a semicolon; and takes a comma or semicolon
 * behind an escaped backslash for an escaped one, so that such a pair is one sign while it reads.
 */
const readable = (text: string, backslash: string): string =>
  unfolded(text)
    .map((line) => {
      const one = ONE_TEXT.test(line)
      return line.replace(/\\(.)/g, (pair, sign) => (sign === '\\' ? backslash : one && sign === ';' ? ';' : pair))
    })
    .join('\r\n')

/** Of those that mean nothing, one that the text does not use. */
function signNotIn(text: string): string {
  for (let code = 0xe000; ; code++) {
    const sign = String.fromCharCode(code)
    if (!text.includes(sign)) return sign
  }
}

/** With its backslashes: two where the parser would have left both, because the value is no text. */
function restored([name, parameters, type, ...values]: Property, backslash: string): Property {
  const put = (value: unknown, as: string): unknown =>
    typeof value === 'string'
      ? value.replaceAll(backslash, as)
      : Array.isArray(value)
        ? value.map((one) => put(one, as))
        : value
  const given = Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [key, put(value, '\\\\') as string | string[]]),
  )
  return [name, given, type, ...values.map((value) => put(value, type === 'text' ? '\\' : '\\\\'))]
}

const oneText = (values: unknown[] | undefined): string | null =>
  values ? values.map((value) => textOf(value) ?? '').join(',') : null

const textOf = (value: unknown): string | undefined =>
  value === undefined || value === null
    ? undefined
    : Array.isArray(value)
      ? value.flat().map(String).join(' ')
      : String(value)

function partsOf(value: unknown, names: readonly string[]): Json {
  if (value === undefined) return null
  const parts = Array.isArray(value) ? value : [value]
  return Object.fromEntries(names.map((name, i) => [name, [parts[i] ?? ''].flat().map(String).join(', ')]))
}

/** Kinds in lower case and in order; version 4 writes a preference as a parameter of its own. */
function typesOf({ type = [], pref }: Record<string, string | string[]>): string[] {
  const types = [type].flat().flatMap((one) => one.toLowerCase().split(','))
  return [...new Set([...types, ...(pref === undefined ? [] : ['pref'])])].filter((one) => one !== 'internet').sort()
}

/** A new card. The uid is that of the values, or one that the same `seed` gives again. */
export function newCard(values: JsonObject, seed: string): { text: string; uid: string } {
  const uid = typeof values.uid === 'string' && values.uid !== '' ? values.uid : uuidOf(seed)
  const empty = ['BEGIN:VCARD', 'VERSION:3.0', 'END:VCARD', ''].join('\r\n')
  return { text: changedCard(empty, { ...values, uid }), uid }
}

function uuidOf(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The card with the given fields changed; null or an empty list takes a property away. */
export function changedCard(text: string, values: JsonObject): string {
  const properties = parsed(text)
  const version = properties.some(([name, , , value]) => name === 'version' && value === '4.0') ? '4.0' : '3.0'
  const lines = unfolded(text)
  for (const [field, value] of Object.entries(values)) {
    const [name, made] = propertiesOf(field, value, version)
    const old = properties.filter(([own]) => own === name)
    // An entry that stays keeps its line, and with it its group and parameters.
    const kept = new Set<number>()
    const added = made.filter((property) => {
      const at = old.findIndex((one, i) => !kept.has(i) && same(one, property))
      if (at >= 0) kept.add(at)
      return at < 0
    })
    replace(
      lines,
      name,
      kept,
      added.map((property) => lineOf(property, version)),
    )
  }
  complete(lines, version)
  return `${lines.map(folded).join('\r\n')}\r\n`
}

const same = (a: Property, b: Property): boolean =>
  JSON.stringify(a.slice(3)) === JSON.stringify(b.slice(3)) && typesOf(a[1]).join() === typesOf(b[1]).join()

function propertiesOf(field: string, value: Json, version: string): [name: string, Property[]] {
  const items = (Array.isArray(value) ? value : value === null ? [] : [value]) as Json[]
  if (Object.hasOwn(TEXTS, field)) {
    const name = TEXTS[field as keyof typeof TEXTS]
    return [name, value === null || value === '' ? [] : [[name, {}, 'text', textIn(value, field)]]]
  }
  if (Object.hasOwn(TYPED, field)) {
    const name = TYPED[field as keyof typeof TYPED]
    return [
      name,
      items.map((item) => [name, parametersOf(item, version), 'text', textIn(fieldIn(item, 'value'), field)]),
    ]
  }
  if (Object.hasOwn(LISTS, field)) {
    const name = LISTS[field as keyof typeof LISTS]
    const texts = items.map((item) => textIn(item, field))
    if (texts.length === 0) return [name, []]
    return [name, [name === 'org' ? [name, {}, 'text', texts] : [name, {}, 'text', ...texts]]]
  }
  if (field === 'name')
    return ['n', items.map((item) => ['n', {}, 'text', NAME.map((part) => textIn(fieldIn(item, part), field))])]
  if (field === 'addresses')
    return [
      'adr',
      items.map((item) => [
        'adr',
        parametersOf(item, version),
        'text',
        ADDRESS.map((part) => textIn(fieldIn(item, part), field)),
      ]),
    ]
  throw new CausewayError('CSW-2007', { what: `A card has no field "${field}" that could be written.` })
}

const fieldIn = (item: Json, name: string): Json =>
  isObject(item) ? ((item as JsonObject)[name] ?? '') : name === 'value' ? item : ''

function textIn(value: Json, field: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new CausewayError('CSW-2007', { what: `The field "${field}" of a card must hold texts.` })
}

function parametersOf(item: Json, version: string): Property[1] {
  const types = fieldIn(item, 'types')
  const given = (Array.isArray(types) ? types : []).map(String)
  const pref = version === '4.0' && given.includes('pref')
  const kinds = pref ? given.filter((type) => type !== 'pref') : given
  return { ...(kinds.length ? { type: kinds } : {}), ...(pref ? { pref: '1' } : {}) }
}

/** Properties whose values are no texts: written as they are, their commas among them. */
const PLAIN = new Set(['url', 'tel', 'bday'])

/** One property as a line, without folds. */
function lineOf(property: Property, version: string): string {
  const design = version === '4.0' ? ICAL.design.vcard : ICAL.design.vcard3
  const [name, parameters] = property
  if (!PLAIN.has(name)) return ICAL.stringify.property(property, design, true)
  const head = ICAL.stringify
    .property(['note', parameters, 'text', ''], design, true)
    .replace(/^NOTE/, name.toUpperCase())
  return head + String(property[3]).replace(/[\r\n]+/g, ' ')
}

const unfolded = (text: string): string[] =>
  text
    .trim()
    .replace(/\r?\n[ \t]/g, '')
    .split(/\r?\n/)
    .filter((line) => line !== '')

const nameOfLine = (line: string): string => (/^(?:[\w-]+\.)?([\w-]+)[;:]/.exec(line)?.[1] ?? '').toLowerCase()

/** Takes the lines of a property out, but for those kept, and puts new ones in their place. */
function replace(lines: string[], name: string, kept: ReadonlySet<number>, added: string[]): void {
  let [at, first, count] = [0, -1, 0]
  while (at < lines.length) {
    if (nameOfLine(lines[at]!) !== name) at++
    else {
      if (first < 0) first = at
      if (kept.has(count++)) at++
      else lines.splice(at, 1)
    }
  }
  const place = first >= 0 ? at - (lines.length - lastOf(lines, name, first)) : lines.length - 1
  lines.splice(place, 0, ...added)
}

/** Behind the last line of a property, or where it used to be. */
function lastOf(lines: string[], name: string, first: number): number {
  const last = lines.findLastIndex((line) => nameOfLine(line) === name)
  return last < 0 ? first : last + 1
}

/** Every card must say its formatted name, version 3 its structured one too. */
function complete(lines: string[], version: string): void {
  const names = new Set(lines.map(nameOfLine))
  const add = (property: Property) => lines.splice(lines.length - 1, 0, lineOf(property, version))
  if (!names.has('fn')) {
    const { name, org, emails } = readCard(`${lines.join('\r\n')}\r\n`)
    const { given = '', family = '' } = (isObject(name) ? name : {}) as Record<string, string>
    const [first] = emails as { value: string }[]
    add(['fn', {}, 'text', `${given} ${family}`.trim() || (org as string[])[0] || first?.value || '?'])
  }
  if (version === '3.0' && !names.has('n')) add(['n', {}, 'text', ['', '', '', '', '']])
}

/** Lines of at most 75 bytes (RFC 6350, 3.2), never cut inside a character. */
function folded(line: string): string {
  if (Buffer.byteLength(line) <= 75) return line
  const pieces: string[] = []
  let [piece, bytes] = ['', 0]
  for (const char of line) {
    const size = Buffer.byteLength(char)
    if (bytes + size > (pieces.length ? 74 : 75)) {
      pieces.push(piece)
      ;[piece, bytes] = ['', 0]
    }
    piece += char
    bytes += size
  }
  return [...pieces, piece].join('\r\n ')
}
