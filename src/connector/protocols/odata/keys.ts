/**
 * Identity of OData entities. The id of a record is the value of its key; where the key has several parts, the text that
 * stands between the brackets of its address in version 4: `OrderID=1,Item='a'`.
 */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import { type EdmType, keyText, literal, type ODataVersion, valueOfLiteral } from './literals.ts'

export type Keys = Readonly<Record<string, EdmType>>
type KeyValues = Record<string, string>

/** The id of an entity, or null where it does not hold its whole key. */
export function idOfEntity(entity: JsonObject, keys: Keys): string | null {
  const values: KeyValues = {}
  for (const [name, type] of Object.entries(keys)) {
    const value = Object.hasOwn(entity, name) ? keyText(entity[name], type) : null
    if (value === null) return null
    values[name] = value
  }
  return idOf(values, keys)
}

function idOf(values: KeyValues, keys: Keys): string {
  const names = Object.keys(keys)
  if (names.length === 1) return values[names[0]!]!
  return names.map((name) => `${name}=${literal(values[name], keys[name]!, 'v4')}`).join(',')
}

/** The key values behind an id. Throws CSW-2007 for an id that is none of this stream. */
export function valuesOfId(id: string, keys: Keys): KeyValues {
  const names = Object.keys(keys)
  if (names.length === 1) return { [names[0]!]: id }
  const values = parsePredicate(id, keys)
  if (values) return values
  throw new CausewayError('CSW-2007', {
    what: `An id is no key of the entity set: it should read ${names.map((name) => `${name}=…`).join(',')}.`,
  })
}

/** The id in an entity's address (`…/Orders(OrderID=1,Item='a')`), in a `Location` header or in a deletion; null for others. */
export function idOfAddress(address: string, keys: Keys): string | null {
  const path = decoded(address.split(/[?#]/, 1)[0]!)
  const inside = lastBrackets(path)
  // Some services give the bare key, or the key as a segment of the path.
  const names = Object.keys(keys)
  if (inside === null)
    return names.length === 1 ? keyText(path.slice(path.lastIndexOf('/') + 1), keys[names[0]!]!) : null
  const values = parsePredicate(inside, keys)
  return values && idOf(values, keys)
}

/** What stands between the brackets of an entity's address, in the spelling of the version. */
export function keyPredicate(values: KeyValues, keys: Keys, version: ODataVersion): string {
  const pairs = Object.entries(keys).map(([name, type]) => [name, coded(literal(values[name], type, version))] as const)
  return pairs.length === 1 ? pairs[0]![1] : pairs.map(([name, value]) => `${name}=${value}`).join(',')
}

/** Percent-encoded but for the brackets' own signs, which some servers look for before they decode. */
const coded = (text: string): string => encodeURIComponent(text.toWellFormed())

/** `1`, `'a'`, `A=1,B='x,y'`: values by name, or null where names or count are not those of the key. */
function parsePredicate(text: string, keys: Keys): KeyValues | null {
  const names = Object.keys(keys)
  const pieces = splitOutsideQuotes(text)
  const named = pieces.map((piece) => /^\s*([A-Za-z_]\w*)\s*=([\s\S]*)$/.exec(piece))
  if (names.length === 1 && pieces.length === 1) {
    const [name] = names as [string]
    const bare = named[0]?.[1] === name ? named[0][2]! : pieces[0]!
    return { [name]: valueOfLiteral(bare.trim(), keys[name]!) }
  }
  if (pieces.length !== names.length) return null
  const values: KeyValues = {}
  for (const match of named) {
    if (!match || !Object.hasOwn(keys, match[1]!)) return null
    values[match[1]!] = valueOfLiteral(match[2]!.trim(), keys[match[1]!]!)
  }
  return Object.keys(values).length === names.length ? values : null
}

function splitOutsideQuotes(text: string): string[] {
  const pieces: string[] = []
  let [from, quoted] = [0, false]
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "'") quoted = !quoted
    else if (text[at] === ',' && !quoted) {
      pieces.push(text.slice(from, at))
      from = at + 1
    }
  }
  return [...pieces, text.slice(from)]
}

/** The content of the last pair of brackets outside quotes. */
function lastBrackets(path: string): string | null {
  let [open, quoted, found] = [-1, false, null as string | null]
  for (let at = 0; at < path.length; at++) {
    if (path[at] === "'" && open >= 0) quoted = !quoted
    else if (quoted) continue
    else if (path[at] === '(') open = at + 1
    else if (path[at] === ')' && open >= 0) {
      found = path.slice(open, at)
      open = -1
    }
  }
  return found
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
