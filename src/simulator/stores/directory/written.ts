/** Writes to a directory, done to the records of its collections; the answers are result codes of RFC 4511. */
import type { Item } from '../../paths.ts'
import { Refusal } from '../../problem.ts'
import type { Entry, Table } from '../../table.ts'
import type { Asked, Change } from './asked.ts'
import { same } from './server.ts'

const CODE = {
  success: 0,
  noSuchAttribute: 16,
  undefinedType: 17,
  constraint: 19,
  valueExists: 20,
  syntax: 21,
} as const
const NAME = { noSuchObject: 32, objectClass: 65, notAllowedOnRdn: 67, alreadyExists: 68 } as const

type Asking<K extends Asked['kind']> = Extract<Asked, { kind: K }>

export async function written(asked: Asked, tables: readonly Table[]): Promise<number> {
  try {
    if (asked.kind === 'add') return await added(asked, tables)
    const table = tables.find((one) => one.present.some(({ record }) => same(String(record.dn), asked.dn)))
    const entry = table?.present.find(({ record }) => same(String(record.dn), asked.dn))
    if (!table || !entry) return NAME.noSuchObject
    if (asked.kind === 'delete') await table.remove(entry, Date.now())
    else if (asked.kind === 'modify') return await modified(asked, table, entry)
    else return await renamed(asked, tables, table, entry)
    return CODE.success
  } catch (error) {
    if (error instanceof Refusal) return codeOf(error)
    if (typeof error === 'number') return error
    throw error
  }
}

/** The collection is that of the entries with the same structural class. */
async function added({ dn, attributes }: Asking<'add'>, tables: readonly Table[]): Promise<number> {
  const classes = attributes.flatMap(([name, values]) => (name.toLowerCase() === 'objectclass' ? values : []))
  const table = tables.find(({ collection }) =>
    collection.samples.some(({ objectClass }) => [objectClass].flat().some((one) => classes.includes(String(one)))),
  )
  if (!table) return NAME.objectClass
  if (taken(dn, tables)) return NAME.alreadyExists
  const values = Object.fromEntries(attributes.map(([name, given]) => [nameIn(table, name), given]))
  const { attribute, value } = naming(dn)
  if (!listed(values[nameIn(table, attribute)]).includes(value)) return 64
  if (attributes.some(([, given]) => given.length === 0)) return CODE.syntax
  await table.create({ ...values, dn }, Date.now())
  return CODE.success
}

async function modified({ changes }: Asking<'modify'>, table: Table, entry: Entry): Promise<number> {
  const values: Item = {}
  for (const change of changes) {
    const name = nameIn(table, change.attribute)
    values[name] = changed(listed(name in values ? values[name] : entry.record[name]), change)
  }
  const { attribute, value } = naming(String(entry.record.dn))
  const name = nameIn(table, attribute)
  if (name in values && !listed(values[name]).includes(value)) return NAME.notAllowedOnRdn
  if (table.collection.required.some((required) => required in values && listed(values[required]).length === 0))
    return NAME.objectClass
  await table.update(entry, values, 'shallow', Date.now())
  return CODE.success
}

function changed(held: string[], { how, values }: Change): string[] {
  if (how === 'replace') return values
  if (how === 'add') {
    if (values.some((value) => held.includes(value))) throw CODE.valueExists
    return [...held, ...values]
  }
  if (!values.every((value) => held.includes(value))) throw CODE.noSuchAttribute
  return values.length ? held.filter((value) => !values.includes(value)) : []
}

async function renamed(
  { first, deletesOld, parent }: Asking<'rename'>,
  tables: readonly Table[],
  table: Table,
  entry: Entry,
): Promise<number> {
  const old = String(entry.record.dn)
  const dn = `${first},${parent ?? old.replace(/^(\\.|[^,\\])*,/, '')}`
  if (!same(dn, old) && taken(dn, tables)) return NAME.alreadyExists
  const [before, after] = [naming(old), naming(dn)]
  const name = nameIn(table, after.attribute)
  const kept = listed(entry.record[name]).filter((value) => !(deletesOld && value === before.value))
  await table.update(entry, { dn, [name]: [...new Set([...kept, after.value])] }, 'shallow', Date.now())
  return CODE.success
}

const taken = (dn: string, tables: readonly Table[]): boolean =>
  tables.some(({ present }) => present.some(({ record }) => same(String(record.dn), dn)))

/** What the first part of a name says; its pairs of hexadecimal digits stand for bytes. */
function naming(dn: string): { attribute: string; value: string } {
  const [, attribute = '', value = ''] = /^([^=]+)=((?:\\.|[^,\\])*)/.exec(dn) ?? []
  const plain = value.replace(/\\([0-9a-f]{2})|\\(.)/gi, (_all, hex: string | undefined, char: string) =>
    hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return { attribute, value: plain }
}

/** Attribute names are compared without case. */
function nameIn({ collection }: Table, name: string): string {
  const known = [...Object.keys(collection.writable ?? {}), ...collection.samples.flatMap((one) => Object.keys(one))]
  return known.find((one) => one.toLowerCase() === name.toLowerCase()) ?? name
}

const listed = (value: unknown): string[] =>
  [value].flat().flatMap((one) => (one === undefined || one === null || one === '' ? [] : [String(one)]))

function codeOf({ kind, detail }: Refusal): number {
  if (kind === 'duplicate') return detail.field === 'dn' ? NAME.alreadyExists : CODE.constraint
  if (detail.reason === 'unknown') return CODE.undefinedType
  return detail.reason === 'required' ? NAME.objectClass : CODE.syntax
}
