/** Records cut down to the members a request names. */
import type { Behaviour } from './description.ts'
import { at, type Item, isItem, put } from './paths.ts'

type Pick = NonNullable<Behaviour['pick']>

/** The names a request gives: a list, or text with commas; nothing gives what is shown unasked. */
export function namesIn(given: unknown, unasked: string[] | undefined): string[] | null {
  const list = typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given.map(String) : []
  const names = list.map((name) => name.trim()).filter((name) => name !== '')
  return names.length ? names : (unasked ?? null)
}

/** `null` names everything. */
export function picking(record: Item, pick: Pick, names: string[] | null): Item {
  if (names === null) return record
  const source = pick.under ? at(record, pick.under) : record
  if (!isItem(source)) return record
  const shown: Item = {}
  for (const name of [...(pick.always ?? []), ...names]) {
    const value = at(source, name)
    if (value !== undefined) put(shown, name, value)
    else if (pick.missing === 'null') put(shown, name, null)
  }
  return pick.under ? { ...record, [pick.under]: shown } : shown
}
