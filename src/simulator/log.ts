/** A log of what happened to records: an entry for each creation, change and deletion, as a vendor's list of events tells it. */
import type { Behaviour } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import type { Item } from './paths.ts'
import { chosen } from './select.ts'
import type { Entry, Table } from './table.ts'

/** Entries as `item` shows them (names: `collection`, `kind`, `n`, `ms`, `record`), those that the request means, newest first. */
export async function logged(
  tables: readonly Table[],
  behaviour: Behaviour,
  names: Names,
  expressions: Expressions,
): Promise<Entry[]> {
  const present: Entry[] = []
  for (const { name, happened } of tables)
    for (const { seq, at, kind, id, record } of happened) {
      const shown = { ...names, collection: name, kind, n: `${name}${seq}`, ms: at, record }
      const entry = behaviour.item ? ((await expressions.evaluate(behaviour.item, shown)) as Item) : record
      present.push({ id: `${id} ${seq}`, record: entry, deleted: false, seq, at })
    }
  present.sort((a, b) => b.at - a.at || b.seq - a.seq)
  // Nothing is deleted from a log, and no entry is asked for by its id.
  const log = { present, find: () => undefined, collection: { deletes: { how: 'gone' as const }, id: { field: '' } } }
  return chosen(log, behaviour, names, expressions)
}
