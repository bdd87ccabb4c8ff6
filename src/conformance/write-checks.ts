import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteItem, WriteOutcome, WriteRequest } from '../connector/index.ts'
import { isRawNumber, type Json, type JsonObject } from '../core/index.ts'
import { at, type Item } from '../simulator/index.ts'
import { agreed, agreedIds, nothing, type StreamCheck, type StreamTest } from './check.ts'
import { sampleOf } from './values.ts'

/** A record with every field the stream may write. */
export async function valuesFor({ subject, info, use }: StreamTest): Promise<JsonObject> {
  const n = subject.next()
  const own = (await subject.simulator.filled(use.values ?? {}, { n })) as JsonObject
  const schema = info.writeSchema ?? info.readSchema
  return { ...(schema ? sampleOf(schema, n) : {}), ...own }
}

export const item = (ref: string, values: JsonObject, rest: Partial<WriteItem> = {}): WriteItem => ({
  ref,
  values,
  idempotencyKey: `key-${ref}-${Math.random()}`,
  ...rest,
})

/** Writes, and keeps what is said of failures. `onJob` takes notes of jobs. */
export async function send(
  { subject, stream }: StreamTest,
  operation: 'create' | 'update' | 'upsert' | 'delete',
  given: WriteItem[],
  onJob?: WriteRequest['onJob'],
): Promise<WriteOutcome[]> {
  // Where a record is made by a form around its bytes, there is none without.
  const { write } = subject.written(stream)
  const { content } = ((write as Record<string, object> | undefined)?.[operation] ?? {}) as {
    content?: { kind?: string; form?: object }
  }
  const items =
    content?.kind === 'multipart' || content?.form ? given.map((one) => ({ ...one, content: someBytes })) : given
  const { signal } = subject
  const outcomes = await subject.session.write({ stream, operation, items, signal, ...(onJob ? { onJob } : {}) })
  for (const outcome of outcomes)
    if ('error' in outcome) subject.said.push(JSON.stringify(outcome.error), String(outcome.error))
  return outcomes
}

const someBytes = () =>
  Promise.resolve({ stream: Readable.from([Buffer.from('abc')]), size: 3, mediaType: 'text/plain', name: 'neu.txt' })

export function written(outcome: WriteOutcome | undefined, what: string): string {
  agreed(
    outcome?.status === 'written',
    `${what} is ${outcome?.status ?? 'without outcome'}: ${outcome && 'error' in outcome ? outcome.error.message : ''}`,
  )
  return outcome.id
}

const offered = ({ info }: StreamTest, operation: 'create' | 'update' | 'upsert' | 'delete'): void => {
  if (!info.abilities[operation]) nothing(`no ${operation}`)
}

/** What was written is what is there, as far as the stream reads the same fields. */
async function agreedValues(test: StreamTest, id: string, values: JsonObject): Promise<number> {
  const { subject, stream, use } = test
  const record = subject.fetches(stream)
    ? (await subject.session.fetch({ stream, ids: [id], signal: subject.signal }))[0]
    : (await subject.read(stream, 'full')).records.find((one) => one.id === id)
  if (!record) return 0
  let compared = 0
  for (const [field, value] of Object.entries(values)) {
    const read = field in record.body ? record.body[field] : at(record.body, field)
    if (read === undefined) continue
    const shape = use.read_as?.[field]
    const found = shape === undefined ? read : await subject.simulator.filled(shape, { value: read })
    compared++
    agreed(
      alike(found, value),
      `${field} was written as ${JSON.stringify(value)} and is read as ${JSON.stringify(found)}`,
    )
  }
  return compared
}

/** Equal, but for the spelling of moments and numbers, and members the system adds. */
export function alike(read: unknown, wanted: Json | undefined): boolean {
  // Decimals keep their spelling.
  const found = isRawNumber(read) ? read.rawJSON : read
  if (wanted === null || wanted === undefined || wanted === '')
    return found === null || found === undefined || found === ''
  if (Array.isArray(wanted)) return Array.isArray(found) && wanted.every((value, index) => alike(found[index], value))
  if (typeof wanted === 'object')
    return Object.entries(wanted).every(([key, value]) => alike((found as Item | null)?.[key], value as Json))
  if (String(found) === String(wanted)) return true
  if (Number(found) === Number(wanted) && String(wanted).trim() !== '') return true
  const [a, b] = [Date.parse(String(found)), Date.parse(String(wanted))]
  return (!Number.isNaN(a) && a === b) || String(found).toLowerCase() === String(wanted).toLowerCase()
}

export const creates: StreamCheck = async (test) => {
  offered(test, 'create')
  const { subject, use } = test
  const before = subject.expected(use).length
  const values = await valuesFor(test)
  const [outcome] = await send(test, 'create', [item('a', values)])
  const id = written(outcome, 'a create with every field')
  agreed(subject.entryOf(use, id) !== undefined, `the id that is reported (${id}) is not that of the new record`)
  agreed(subject.expected(use).length === before + 1, 'not exactly one record was made')
  const compared = await agreedValues(test, id, values)
  return `${Object.keys(values).length} fields written, ${compared} read back`
}

export const refusesOne: StreamCheck = async (test) => {
  offered(test, 'create')
  const { subject, use } = test
  if (!use.refused) return nothing('the description names no value that is refused (`streams.….refused`)')
  const bad = (await subject.simulator.filled(use.refused, { n: subject.next() })) as JsonObject
  const before = subject.expected(use).length
  const outcomes = await send(test, 'create', [
    item('a', await valuesFor(test)),
    item('b', { ...(await valuesFor(test)), ...bad }),
    item('c', await valuesFor(test)),
  ])
  const said = outcomes
    .map(({ ref, status }) => `${ref}: ${status}`)
    .sort()
    .join(', ')
  agreed(
    said === 'a: written, b: refused, c: written',
    `of three records the second is bad, but the outcomes are ${said}`,
  )
  const ids = outcomes.flatMap((outcome) => (outcome.status === 'written' ? [outcome.id] : []))
  agreed(
    ids.every((id) => subject.entryOf(use, id)),
    'an id that is reported is not that of a new record',
  )
  agreed(subject.expected(use).length === before + 2, 'not exactly two records were made')
  return 'the others are written'
}

export const updates: StreamCheck = async (test) => {
  offered(test, 'update')
  const { subject, use } = test
  const id = subject.expected(use).at(-1)!
  const before = structuredClone(subject.entryOf(use, id)!.record)
  const [field, value] = Object.entries(await changesFor(test)).find(([name]) => name !== 'id') ?? []
  if (field === undefined) return nothing('no field to write')
  const known = (await knownOf(test, id)) ?? {}
  const [outcome] = await send(test, 'update', [item('a', { [field]: value! }, { id, known })])
  // Where the id is a name or a path, this may have given the record another.
  const now = written(outcome, `an update of ${field}`)
  await agreedValues(test, now, { [field]: value! })
  const after = subject.entryOf(use, now)!.record
  const lost = Object.entries(before).filter(([name, old]) => old !== null && old !== '' && after[name] === undefined)
  agreed(lost.length === 0, `an update of ${field} alone clears ${lost.map(([name]) => name).join(', ')}`)
  return `${field} alone`
}

async function knownOf({ subject, stream }: StreamTest, id: string): Promise<JsonObject | undefined> {
  const records = subject.fetches(stream)
    ? await subject.session.fetch({ stream, ids: [id], signal: subject.signal })
    : (await subject.read(stream, 'full')).records
  return records.find((record) => record.id === id)?.body
}

/** A value for every field that an update may change. */
async function changesFor(test: StreamTest): Promise<JsonObject> {
  const { subject, use } = test
  const own = (await subject.simulator.filled(use.update ?? {}, { n: subject.next() })) as JsonObject
  return Object.fromEntries(
    Object.entries({ ...(await valuesFor(test)), ...own }).filter(([name]) => !(name in (use.fixed ?? {}))),
  )
}

/** Where records tell what a write can be conditional on: a write that is meant for a state that has passed is refused, one for the present state is not. */
export const refusesStale: StreamCheck = async (test) => {
  offered(test, 'update')
  const { subject, stream, use } = test
  if (!subject.fetches(stream)) return nothing('records are not read one by one')
  const id = subject.expected(use).at(-1)!
  const look = async () => (await subject.session.fetch({ stream, ids: [id], signal: subject.signal }))[0]
  const before = await look()
  if (before?.condition === undefined) return nothing('records tell no condition of a write')
  const write = async (condition: string) => {
    // Only a field that is given another value each time makes another state.
    const [former, values] = [await changesFor(test), await changesFor(test)]
    const isNew = (name: string) => name !== 'id' && JSON.stringify(values[name]) !== JSON.stringify(former[name])
    const field = Object.keys(values).find(isNew)
    if (field === undefined) return null
    const known = (await look())?.body ?? {}
    return (
      await send(test, 'update', [item('a', { [field]: values[field]! }, { id, known, ifVersion: condition })])
    )[0]
  }
  const first = await write(before.condition)
  if (first === null) return nothing('no field to write')
  written(first, 'an update on condition of the present state')
  // Where the condition is a time, two writes of one second have the same.
  if ((await look())?.condition === before.condition) {
    await sleep(A_SECOND_MS)
    written((await write(before.condition)) ?? undefined, 'an update a second later')
  }
  const second = await write(before.condition)
  agreed(second?.status === 'conflict', `an update on condition of a state that has passed is ${second?.status}`)
  return 'refused'
}

const A_SECOND_MS = 1_100

/** Every writable field is taken by an update too, one call each would be slow: all at once. */
export const updatesAll: StreamCheck = async (test) => {
  offered(test, 'update')
  const { subject, use } = test
  const id = subject.expected(use).at(-1)!
  const values = await changesFor(test)
  const [outcome] = await send(test, 'update', [item('a', values, { id, known: (await knownOf(test, id)) ?? {} })])
  const now = written(outcome, 'an update of every field')
  return `${await agreedValues(test, now, values)} fields read back`
}

export const reportsMissing: StreamCheck = async (test) => {
  offered(test, 'update')
  const id = await goneId(test)
  const values = await changesFor(test)
  const [outcome] = await send(test, 'update', [item('a', values, { id, known: {} })])
  agreed(
    outcome?.status === 'missing',
    `an update of a record that is gone is reported as ${outcome?.status}, not as missing`,
  )
  return 'missing'
}

/** The id of a record that is gone; where deleted ones can still be written, one that never was. */
async function goneId({ subject, use }: StreamTest): Promise<string> {
  const { deletes } = subject.simulator.description.collections[use.collection]!
  if (deletes.how === 'flag' && deletes.kept) return subject.idOfNobody(use)
  const id = subject.expected(use)[3]!
  await subject.simulator.remove(use.collection, [subject.entryOf(use, id)!.id])
  return id
}

/** An update whose answer was lost is sent again, by the connector or by who asked for it, and is done once. */
export const repeatsUpdate: StreamCheck = async (test) => {
  offered(test, 'update')
  const { subject, use } = test
  if (!subject.simulator.knows('lost')) return nothing('no answer can be lost on the way')
  const id = subject.expected(use).at(-1)!
  const [field, value] = Object.entries(await changesFor(test)).find(([name]) => name !== 'id') ?? []
  if (field === undefined) return nothing('no field to write')
  const before = subject.expected(use).length
  const update = async () =>
    send(test, 'update', [item('a', { [field]: value! }, { id, known: (await knownOf(test, id)) ?? {} })])
  subject.simulator.faults.add({ kind: 'lost', when: ({ write }) => write })
  const [first] = await update()
  subject.simulator.faults.clear()
  // What was done may have given the record another id already, where that is a name or a path.
  const repeated = first?.status !== 'written' && subject.entryOf(use, id) !== undefined
  const now =
    first?.status === 'written' ? first.id : repeated ? written((await update())[0], 'the same update again') : id
  agreed(subject.expected(use).length === before, 'an update whose answer was lost made another record')
  await agreedValues(test, now, { [field]: value! })
  return repeated ? `${first?.status}, then sent again` : 'sent again'
}

export const upserts: StreamCheck = async (test) => {
  offered(test, 'upsert')
  const { subject, use, info } = test
  const fields = info.abilities.upsertBy
  for (const field of fields) {
    const values = await valuesFor(test)
    const before = subject.expected(use).length
    const key = { field, value: String(values[field]) }
    const [first] = await send(test, 'upsert', [item('a', values, { key })])
    const id = written(first, `an upsert by ${field}`)
    const [second] = await send(test, 'upsert', [item('b', values, { key })])
    agreed(written(second, `a second upsert by ${field}`) === id, `two upserts by one ${field} give two ids`)
    agreed(
      subject.expected(use).length === before + 1,
      `two upserts by one ${field} made ${subject.expected(use).length - before} records`,
    )
  }
  return `by ${fields.join(', ')}`
}

export const deletes: StreamCheck = async (test) => {
  offered(test, 'delete')
  const { subject, use } = test
  const ids = subject.expected(use).slice(-2)
  const outcomes = await send(
    test,
    'delete',
    ids.map((id) => item(id, {}, { id })),
  )
  for (const outcome of outcomes) written(outcome, 'a delete')
  const left = ids.filter((id) => subject.expected(use).includes(id))
  agreedIds(left, [], 'after deletes')
  return `${ids.length} records`
}

export const losesNoAnswer: StreamCheck = async (test) => {
  offered(test, 'create')
  const { subject, use, info, stream } = test
  if (!subject.simulator.knows('lost')) return nothing('no answer can be lost on the way')
  const values = await valuesFor(test)
  const before = subject.expected(use).length
  subject.simulator.faults.add({ kind: 'lost', when: ({ write }) => write })
  const sent = item('a', values)
  let [outcome] = await send(test, 'create', [sent])
  subject.simulator.faults.clear()
  agreed(
    subject.expected(use).length === before + 1,
    `a create whose answer was lost made ${subject.expected(use).length - before} records`,
  )
  if (outcome?.status === 'written')
    return subject.simulator.description.idempotency
      ? 'sent again under its idempotency key'
      : 'what was done is known without the answer'
  agreed(
    outcome?.status === 'unknown',
    `a create whose answer was lost is reported as ${outcome?.status}, not as unknown`,
  )
  // What the pipeline does with a doubt: the same key again, or a look-up.
  const field = info.abilities.lookup.find((name) => values[name] !== undefined && values[name] !== '')
  if (field) {
    const value = String(values[field])
    const found = await subject.session.lookup({ stream, field, values: [value], signal: subject.signal })
    agreed(found.get(value)?.length === 1, `a record in doubt is not found by ${field}`)
    return `unknown, then found by ${field}`
  }
  if (subject.simulator.description.idempotency) {
    ;[outcome] = await send(test, 'create', [sent])
    written(outcome, 'the same create again')
    agreed(subject.expected(use).length === before + 1, 'the same create again made another record')
    return 'unknown, then sent again under its idempotency key'
  }
  return 'unknown; the stream has no look-up'
}
