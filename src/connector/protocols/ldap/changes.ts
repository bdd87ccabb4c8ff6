/** From values of a record to what is asked of the directory: a new entry, or the difference from one that is there. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import type { Modification } from './client.ts'
import type { LdapStream } from './fields.ts'
import { foldedName, namedBy, namingOf, sameName, splitName } from './names.ts'
import { bytesToWrite, type Entry } from './values.ts'

export type Changes = {
  /** Another first part of the name, and with `parent` another place. Comes before the modifications. */
  rename: { first: string; parent: string | null } | null
  modifications: Modification[]
}

/** The place of an entry, read and written like an attribute: the DN it lies below. */
const PARENT = 'parent'

/** Name and attributes of a new entry. Throws CSW-2056 for what is no entry. */
export function newEntry(
  values: JsonObject,
  stream: LdapStream,
  { below, classes }: { below: string | null; classes: string[] },
): { dn: string; attributes: Map<string, Buffer[]> } {
  const { named_by } = stream.write!
  const parent = parentIn(values) ?? below
  if (!parent) throw unfit('the connection says nowhere below which DN new entries of this stream belong')
  const attributes = attributesIn(values, stream)
  for (const [name, wanted] of attributes) if (wanted.length === 0) attributes.delete(name)
  const name = attributes.get(named_by)?.[0]
  if (!name) throw nameless(named_by)
  attributes.set(
    'objectClass',
    classes.map((one) => Buffer.from(one)),
  )
  return { dn: `${namedBy(named_by, name.toString())},${parent}`, attributes }
}

/** The difference between an entry and the values it shall have; attributes without a value here stay as they are. */
export function changesOf(values: JsonObject, entry: Entry, stream: LdapStream): Changes {
  const { named_by, by_difference = [] } = stream.write!
  const { first, parent } = splitName(entry.dn)
  const naming = namingOf(first)
  const attributes = attributesIn(values, stream)
  const newName = naming?.attribute.toLowerCase() === named_by.toLowerCase() ? attributes.get(named_by) : undefined
  const renamed = newName ? newNameOf(newName, naming!.value, named_by) : null
  const modifications = [...attributes].flatMap(([name, wanted]) => {
    const held = entry.values.get(name.toLowerCase()) ?? []
    const left = renamed !== null && name === named_by ? afterRename(held, naming!.value, renamed) : held
    // Of what shows one value of several, the others stay.
    const others = stream.attributes[name]!.values === 'first' && wanted.length ? left.slice(1) : []
    const all = [...wanted, ...others.filter((value) => !holds(wanted, value))]
    return by_difference.includes(name) ? difference(name, left, all) : replacement(name, left, all)
  })
  const wantedParent = parentIn(values)
  const moves = wantedParent !== null && !sameName(wantedParent, parent)
  if (renamed === null && !moves) return { rename: null, modifications }
  const name = renamed === null ? first : namedBy(named_by, renamed)
  return { rename: { first: name, parent: moves ? wantedParent : null }, modifications }
}

/** The value an entry is to be named by; null where it is named by one of the values already. */
function newNameOf(wanted: Buffer[], now: string, attribute: string): string | null {
  const [first] = wanted
  if (!first) throw nameless(attribute)
  return wanted.some((value) => value.toString() === now) ? null : first.toString()
}

/** A rename sets the new value, in front as far as we care, and takes the old one away. */
const afterRename = (held: Buffer[], old: string, renamed: string): Buffer[] => [
  Buffer.from(renamed),
  ...held.filter((value) => value.toString() !== old && value.toString() !== renamed),
]

function attributesIn(values: JsonObject, stream: LdapStream): Map<string, Buffer[]> {
  const attributes = new Map<string, Buffer[]>()
  for (const [name, value] of Object.entries(values)) {
    if (name === PARENT) continue
    const spec = stream.attributes[name]
    if (!spec) throw unfit(`the stream declares no attribute ${name}`)
    attributes.set(name, bytesToWrite(value, name, spec))
  }
  return attributes
}

const parentIn = (values: JsonObject): string | null => {
  const parent = values[PARENT]
  return typeof parent === 'string' && parent !== '' ? parent : null
}

/** All values at once; none takes the attribute away, whether it is there or not. */
const replacement = (attribute: string, held: Buffer[], wanted: Buffer[]): Modification[] =>
  held.length === wanted.length && wanted.every((value) => holds(held, value))
    ? []
    : [{ operation: 'replace', attribute, values: wanted }]

/** The values that come and those that go, for attributes with thousands of names in them. */
function difference(attribute: string, held: Buffer[], wanted: Buffer[]): Modification[] {
  const [before, after] = [byName(held), byName(wanted)]
  const come = [...after].flatMap(([name, value]) => (before.has(name) ? [] : [value]))
  const go = [...before].flatMap(([name, value]) => (after.has(name) ? [] : [value]))
  return [
    ...(come.length ? [{ operation: 'add' as const, attribute, values: come }] : []),
    ...(go.length ? [{ operation: 'delete' as const, attribute, values: go }] : []),
  ]
}

const byName = (values: Buffer[]): Map<string, Buffer> =>
  new Map(values.map((value) => [foldedName(value.toString()), value]))

const holds = (values: Buffer[], value: Buffer): boolean => values.some((one) => one.equals(value))

const unfit = (why: string): CausewayError =>
  new CausewayError('CSW-2056', { what: `The entry cannot be written: ${why}.` })

const nameless = (attribute: string): CausewayError =>
  unfit(`the mapping gives no ${attribute}, by which entries of this stream are named`)
