import { setTimeout as wait } from 'node:timers/promises'
import { CausewayError, type JsonObject } from '../core/index.ts'
import { at } from '../simulator/index.ts'
import { agreed, agreedIds, few, NotAsAgreed, nothing, type StreamCheck, type StreamTest } from './check.ts'
import type { Reading, Subject } from './subject.ts'

/** A whole read; the checks after it share it as long as nothing was written. */
const whole = ({ subject, stream, use }: StreamTest): Promise<Reading> => subject.whole(stream, use)

const readable = ({ info }: StreamTest): void => {
  if (!info.abilities.read) nothing('the stream is not read')
}

export const readsAll: StreamCheck = async (test) => {
  readable(test)
  const { subject, use, stream } = test
  const { ids, pages } = await whole(test)
  agreedIds(ids, subject.expected(use), 'a full read')
  const paging = subject.written(stream).read?.paging?.kind ?? 'none'
  agreed(
    (paging === 'none' && !subject.isStore) || pages.filter((page) => page.length > 0).length > 1,
    `all ${ids.length} records come in one page, so paging is not tested; raise \`count\` of the collection ${use.collection} above the page size`,
  )
  return `${ids.length} records in ${pages.length} pages`
}

/** Whichever way a stream is read, its records are the same to the last character. */
export async function readsSame(test: StreamTest, usual: Subject): Promise<string> {
  readable(test)
  const spelled = ({ records }: Reading) => new Map(records.map((one) => [one.id, JSON.stringify(one)]))
  const [here, there] = [spelled(await whole(test)), spelled(await usual.read(test.stream, 'full'))]
  const differing = [...there].find(([id, record]) => here.get(id) !== record)
  agreed(
    here.size === there.size && differing === undefined,
    `the record ${differing?.[0]} is ${differing && here.get(differing[0])} on this way, and ${differing?.[1]} on the other`,
  )
  return `${here.size} records`
}

export const resumes: StreamCheck = async (test) => {
  readable(test)
  const { subject, use, stream } = test
  const { pages, cursors } = await whole(test)
  if (pages.length < 2) return nothing('one page')
  const cuts = [...new Set([0, Math.floor((pages.length - 1) / 2), pages.length - 2])]
  for (const cut of cuts) {
    const rest = await subject.read(stream, 'full', cursors[cut]!)
    const before = pages.slice(0, cut + 1).flat()
    const both = new Set([...before, ...rest.ids])
    const lost = subject.expected(use).filter((id) => !both.has(id))
    agreed(
      lost.length === 0,
      `after page ${cut + 1} of ${pages.length}, ${lost.length} records are lost (${few(lost)})`,
    )
  }
  return `from ${cuts.length} of ${pages.length} pages`
}

export const readsChanges: StreamCheck = async (test) => {
  readable(test)
  const { subject, use, stream, info } = test
  if (!info.abilities.incremental) return nothing('no incremental read')
  const { ids, cursors } = await whole(test)
  const from = use.changes ? await nothingNew(test, cursors.at(-1)!) : cursors.at(-1)!
  const changed = [ids[1]!, ids[Math.floor(ids.length / 2)]!, ids.at(-2)!]
  for (const id of changed) await subject.simulator.change(use.collection, [subject.entryOf(use, id)!.id])
  const second = await subject.read(stream, 'incremental', from)
  const lost = changed.filter((id) => !second.ids.includes(id))
  agreed(lost.length === 0, `of ${changed.length} changed records ${lost.length} are not read (${few(lost)})`)
  if (use.changes) return `nothing read where nothing changed; 3 changed, all ${second.ids.length} read`
  const most = changed.length + Math.max(5, ids.length / 4)
  agreed(
    second.ids.length <= most,
    `3 records changed, and ${second.ids.length} of ${ids.length} are read: the filter does not filter`,
  )
  return `3 changed, ${second.ids.length} read`
}

/**
 * What is read whole at any change is not read while nothing changes. Where its state is told in whole seconds, that is believed
 * only after a while; gives the cursor from then.
 */
async function nothingNew({ subject, stream }: StreamTest, from: JsonObject): Promise<JsonObject> {
  let cursor = from
  for (let attempt = 0; attempt < 40; attempt++) {
    const { ids, cursors } = await subject.read(stream, 'incremental', cursor)
    cursor = cursors.at(-1)!
    if (ids.length === 0) return cursor
    await wait(200)
  }
  throw new NotAsAgreed('nothing changed, and all is read again and again')
}

/** Somebody changes another record in the very moment that was the newest one seen. */
export const keepsTies: StreamCheck = async (test) => {
  readable(test)
  const { subject, use, stream, info } = test
  if (!info.abilities.incremental) return nothing('no incremental read')
  const { ids, cursors } = await whole(test)
  const table = subject.simulator.table(use.collection)
  // A log goes on from the moment in which the list was read, not from the newest record.
  const newest = subject.written(stream).read?.changes
    ? Date.parse(String(cursors.at(-1)!.watermark))
    : Math.max(...table.entries.map((entry) => entry.at))
  const tied = subject.entryOf(use, ids[0]!)!
  await table.touch(tied, newest)
  const second = await subject.read(stream, 'incremental', cursors.at(-1)!)
  agreed(second.ids.includes(ids[0]!), 'a record that changed in the very moment of the watermark is never read')
  return 'a change in the moment of the watermark is read'
}

export const learnsOfDeletions: StreamCheck = async (test) => {
  readable(test)
  const { subject, use, stream, info } = test
  const { deletions } = info.abilities
  if (deletions === 'none') return nothing('deletions do not become known')
  const { ids, cursors } = await whole(test)
  const gone = ids[Math.floor(ids.length / 3)]!
  await subject.simulator.remove(use.collection, [subject.entryOf(use, gone)!.id])
  // A change log beside a directory tells of them, where a full read is the rule.
  const logged = subject.simulator.description.store?.log ?? subject.written(stream).read?.changes?.deleted
  const isTold = deletions === 'tombstones' || logged !== undefined
  if (isTold && info.abilities.incremental) {
    const { records } = await subject.read(stream, 'incremental', cursors.at(-1)!)
    const tombstone = records.some((record) => record.id === gone && record.deleted)
    agreed(tombstone, `the deletion of ${gone} does not arrive as a tombstone`)
  }
  const again = await subject.read(stream, 'full')
  agreed(!again.ids.includes(gone), `a full read still gives the deleted record ${gone}`)
  agreedIds(again.ids, subject.expected(use), 'a full read after a deletion')
  return isTold && deletions === 'scan' ? 'scan, and tombstones from the change log' : deletions
}

export const fetches: StreamCheck = async (test) => {
  const { subject, use, stream } = test
  const ids = subject.expected(use).slice(0, 3)
  const missing = await subject.idOfNobody(use)
  const found = await subject.session
    .fetch({ stream, ids: [...ids, missing], signal: subject.signal })
    .catch((error: unknown) => {
      // What cannot be read by id says so.
      if (error instanceof CausewayError && error.code === 'CSW-2003') return nothing('no fetch')
      throw error
    })
  agreedIds(
    found.filter(({ deleted }) => !deleted).map(({ id }) => id),
    ids,
    'a fetch',
  )
  return `${ids.length} found, 1 missing`
}

export const looksUp: StreamCheck = async (test) => {
  const { subject, stream, info, use } = test
  const fields = info.abilities.lookup
  if (fields.length === 0) return nothing('no look-up')
  const { records } = await whole(test)
  for (const field of fields) {
    const live = records.filter(({ deleted }) => !deleted)
    const path = use.found_by?.[field]
    const held = ({ body }: { body: JsonObject }) => textsOf(path ? at(body, path) : body[field])
    const values = [...new Set(live.flatMap(held))].slice(0, 3)
    agreed(values.length > 0, `no record that is read has a value in ${field}`)
    const found = await subject.session.lookup({
      stream,
      field,
      values: [...values, 'nobody-has-this@nowhere.example'],
      signal: subject.signal,
    })
    for (const value of values) {
      const wanted = live.filter((record) => held(record).includes(value)).map(({ id }) => id)
      agreedIds(
        (found.get(value) ?? []).map(({ id }) => id),
        wanted,
        `a look-up of ${field} = ${value}`,
      )
    }
    agreed(!found.get('nobody-has-this@nowhere.example')?.length, `a look-up of ${field} finds what is not there`)
  }
  return fields.join(', ')
}

/** The texts of a field that may be a list of them. */
const textsOf = (value: unknown): string[] =>
  [value]
    .flat()
    .flatMap((one) => ((typeof one === 'string' && one !== '') || typeof one === 'number' ? [String(one)] : []))
