/** Records that are entries of a directory; what is written over the wire is written to them, so they stay where they are. */
import type { FaultKind } from '../../faults.ts'
import { at, type Item } from '../../paths.ts'
import type { Entry, Table } from '../../table.ts'
import type { Store, StoreContext } from '../store.ts'
import type { DirectoryEntry } from './filter.ts'
import { DirectoryServer } from './server.ts'
import { written } from './written.ts'

export async function directoryStore(context: StoreContext): Promise<Store> {
  const { base = '', log, user = '', page = 1000 } = context.description.store!
  const { password = '' } = context.secrets
  const tables = [...context.tables.values()]
  const server = new DirectoryServer({
    ...{ user, password, limit: page },
    entries: () => [
      { dn: base, attributes: { objectClass: ['organization'] } },
      ...tables.flatMap((table) => table.present.map(({ record }) => entryOf(record))),
      ...(log === undefined ? [] : [{ dn: log, attributes: {} }, ...tables.flatMap((table) => deletions(table, log))]),
    ],
    meet: (method, path) => {
      context.note({ method, path })
      return context.take({ method, path, write: method !== 'SEARCH' })
    },
    write: (asked) => written(asked, tables),
  })
  return {
    place: { origin: await server.open(), base, user, ...(log === undefined ? {} : { log }) },
    troubles: new Set<FaultKind>(['lost', 'down', 'cut']),
    changed: () => Promise.resolve(),
    found: (table) => Promise.resolve(table.present.map(({ id, record }) => ({ id, record }))),
    close: () => server.close(),
  }
}

/** Members of a record are attributes, but for its name; those without value are not there. */
function entryOf({ dn, ...record }: Item): DirectoryEntry {
  const attributes = Object.entries(record).map(([name, value]) => [
    name,
    [value].flat().flatMap((one) => (one === null || one === undefined || one === '' ? [] : [String(one)])),
  ])
  return { dn: String(dn), attributes: Object.fromEntries(attributes) as Record<string, string[]> }
}

/** What OpenLDAP's accesslog overlay keeps of each entry that was deleted. */
const deletions = ({ entries, collection }: Table, log: string): DirectoryEntry[] =>
  entries.filter(({ deleted }) => deleted).map((entry) => deletion(entry, collection.id.field, log))

function deletion({ record, at: moment, seq }: Entry, id: string, log: string): DirectoryEntry {
  const start = new Date(moment).toISOString().replace(/[-:T]/g, '').replace('Z', '000Z')
  return {
    dn: `reqStart=${start}+reqSession=${seq},${log}`,
    attributes: {
      objectClass: ['auditDelete'],
      ...{ reqStart: [start], reqDN: [String(record.dn)], reqEntryUUID: [String(at(record, id))], reqResult: ['0'] },
    },
  }
}
