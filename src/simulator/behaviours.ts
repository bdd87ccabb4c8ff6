/** What routes do with the records. Every behaviour gives the names its answer may use, and the status it has by default. */

import { packed } from './archives.ts'
import type { Behaviour, Description } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import type { Jobs } from './jobs.ts'
import { logged } from './log.ts'
import { at, type Item, isItem } from './paths.ts'
import { namesIn, picking } from './pick.ts'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'
import { chosen, cut } from './select.ts'
import { inSession, type Sessions } from './sessions.ts'
import type { Entry, Table } from './table.ts'
import { fill } from './template.ts'
import type { Upload, Uploads } from './uploads.ts'
import { unformed } from './value-kinds.ts'
import { fillJob, runJob, startJob } from './write-jobs.ts'

export type World = {
  uploads: Uploads
  jobs: Jobs
  sessions: Sessions
  description: Description
  tables: Map<string, Table>
  expressions: Expressions
  now(): number
}

export type Done = { status: number; names: Names; answer?: unknown; bytes?: Buffer }
type Doing = {
  world: World
  behaviour: Behaviour
  names: Names
  url: URL
  call?: Call
  /** Values of the request are text, whatever they mean. */
  form?: boolean
  /** The bytes of an upload that is whole. */
  held?: Buffer
  /** Checks only; changes nothing. */
  dry?: boolean
  /** A job that is started comes to nothing. */
  fails?: boolean
}

const KINDS = ['list', 'get', 'create', 'update', 'upsert', 'delete', 'changes', 'deleted'] as const

export async function behave(doing: Doing): Promise<Done> {
  const { behaviour, names } = doing
  if (behaviour.job && behaviour.batch) return startJob(asked(doing))
  if (behaviour.batch) return batch(doing)
  if (behaviour.fill_job) return fillJob(doing.world.jobs, behaviour.fill_job, names)
  // Values that came as CSV are text, whatever they mean.
  if (behaviour.run_job) return runJob(asked({ ...doing, form: true }))
  if (behaviour.job || behaviour.poll) return job(doing)
  if (behaviour.session) {
    const { sessions, expressions } = doing.world
    const each = (own: Names, held?: Buffer) =>
      behave({ ...doing, behaviour: behaviour.each ?? {}, names: own, ...(held ? { held } : {}) })
    return inSession({ sessions, behaviour, names, expressions, each })
  }
  if (behaviour.of_job) {
    const job = doing.world.jobs.find((names.path as Names | undefined)?.id, behaviour.of_job)
    const { of_job: _, ...rest } = behaviour
    const done = await behave({ ...doing, behaviour: rest, names: { ...names, job } })
    return { ...done, names: { job, ...done.names } }
  }
  if (behaviour.archive)
    return { status: 200, names, bytes: await packed(doing.world.expressions, behaviour.archive, names) }
  if (behaviour.upload) return upload(doing)
  if (behaviour.log) return log(doing, behaviour.log)
  if (behaviour.download !== undefined) {
    const { record, bytes } = await one(doing, await tableOf(doing, behaviour.download))
    return { status: 200, names: { record }, bytes: bytes ?? Buffer.alloc(0) }
  }
  const kind = KINDS.find((name) => behaviour[name] !== undefined)
  if (!kind) return { status: 200, names }
  const table = await tableOf(doing, behaviour[kind])
  switch (kind) {
    case 'list':
      return list(doing, table)
    case 'changes':
      return changes(doing, table)
    case 'deleted':
      return deletedOnes(doing, table)
    case 'get': {
      const record = await shown(doing, (await one(doing, table)).record)
      return { status: 200, names: { record }, answer: record }
    }
    default:
      return write(doing, table, kind)
  }
}

const asked = (doing: Doing) => ({
  jobs: doing.world.jobs,
  behaviour: doing.behaviour,
  names: doing.names,
  fails: doing.fails === true,
  run: (behaviour: Behaviour, names: Names) => behave({ ...doing, behaviour, names }),
})

async function tableOf({ world, names }: Doing, name: unknown): Promise<Table> {
  const filled = String(await fill(name, names, world.expressions))
  const table = world.tables.get(filled)
  if (!table) throw new Error(`There is no collection "${filled}".`)
  return table
}

const valuesOf = async ({ world, behaviour, names, form }: Doing, table: Table): Promise<Item> => {
  const values = behaviour.values ? await world.expressions.evaluate(behaviour.values, names) : names.body
  if (values === undefined) return {}
  if (!isItem(values))
    throw new Refusal('invalid', { reason: 'body', value: values, message: 'The body is not an object' }, true)
  return form ? unformed(values, table.collection.writable ?? {}) : values
}

async function shown({ world, behaviour, names }: Doing, record: Item): Promise<unknown> {
  const { pick } = behaviour
  const picked = pick
    ? picking(record, pick, namesIn(await world.expressions.evaluate(pick.names, names), pick.default))
    : record
  return behaviour.item ? world.expressions.evaluate(behaviour.item, { ...names, record: picked }) : picked
}

const showAll = async (doing: Doing, entries: { record: Item }[]): Promise<unknown[]> => {
  const items: unknown[] = []
  for (const { record } of entries) items.push(await shown(doing, record))
  return items
}

/** The one record a request means: by `where` and `match`, or by the `id` of its path. */
async function one(doing: Doing, table: Table): Promise<Entry> {
  const found = await maybeOne(doing, table)
  if (found) return found
  const { names } = doing
  const id = (names.path as Names | undefined)?.id ?? (names.item as Names | undefined)?.id
  throw new Refusal('not_found', { reason: 'record', id })
}

async function maybeOne(doing: Doing, table: Table): Promise<Entry | undefined> {
  const { behaviour, names, world } = doing
  const scope =
    behaviour.where || behaviour.filter || behaviour.match
      ? behaviour
      : { ...behaviour, where: { [table.collection.id.field]: 'path.id' } }
  return (await chosen(table, scope, names, world.expressions))[0]
}

async function list(doing: Doing, table: Table): Promise<Done> {
  const { world, behaviour, names, url } = doing
  const found = await chosen(table, behaviour, names, world.expressions)
  const page = await cut(found, behaviour.page, names, world.expressions, url)
  const { cap } = behaviour
  if (cap && page.offset + page.items.length > cap.results)
    throw new Refusal('invalid', { reason: 'cap', value: cap.results })
  const records = await showAll(doing, page.items)
  return { status: 200, names: { ...page, items: undefined, records, more: page.next !== undefined }, answer: records }
}

/** A page of the log of these collections. */
async function log({ world, behaviour, names, url }: Doing, collections: readonly string[]): Promise<Done> {
  const tables = collections.map((name) => world.tables.get(name)!)
  const found = await logged(tables, behaviour, names, world.expressions)
  const page = await cut(found, behaviour.page, names, world.expressions, url)
  const records = page.items.map(({ record }) => record)
  return { status: 200, names: { ...page, items: undefined, records, more: page.next !== undefined }, answer: records }
}

/** The feed of changes after a mark; deleted records come as tombstones. */
async function changes(doing: Doing, table: Table): Promise<Done> {
  const { world, behaviour, names, url } = doing
  const since = behaviour.since ? await world.expressions.evaluate(behaviour.since, names) : undefined
  const after = since === undefined || since === null || since === '' ? -1 : Number(since)
  if (Number.isNaN(after)) throw new Refusal('expired', { reason: 'mark', value: since })
  const first = after < 0
  const changed = table.entries
    .filter(({ seq, deleted }) => seq > after && !(first && deleted))
    .sort((a, b) => a.seq - b.seq)
  const page = await cut(changed, behaviour.page, names, world.expressions, url)
  const records: unknown[] = []
  for (const entry of page.items)
    records.push(entry.deleted ? await tombstone(world, table, entry) : await shown(doing, entry.record))
  const mark = String(table.mark)
  // Where a feed goes on that is cut after a page, for vendors that give no cursor besides the mark.
  const reached = page.next ? String(page.items.at(-1)!.seq) : mark
  return {
    status: 200,
    names: { ...page, items: undefined, records, mark, reached, more: page.next !== undefined },
    answer: records,
  }
}

const tombstone = (world: World, table: Table, { id, record, at: moment }: Entry): Promise<unknown> =>
  fill(
    table.collection.tombstone ?? { id: '${ id }' },
    { id, record, at: new Date(moment).toISOString() },
    world.expressions,
  )

async function deletedOnes(doing: Doing, table: Table): Promise<Done> {
  const { world, behaviour, names, url } = doing
  const gone = table.entries
    .filter(({ deleted }) => deleted)
    .map((entry) => ({
      ...entry,
      record: {
        ...entry.record,
        id: at(entry.record, table.collection.id.field),
        deleted_at: new Date(entry.at).toISOString(),
      } as Item,
    }))
  const after = behaviour.since ? await world.expressions.evaluate(behaviour.since, names) : undefined
  const counted = after === undefined ? gone : gone.filter((entry) => entry.at >= Date.parse(String(after)))
  const page = await cut(counted, behaviour.page, names, world.expressions, url)
  const records = await showAll(doing, page.items)
  return { status: 200, names: { ...page, items: undefined, records, more: page.next !== undefined }, answer: records }
}

async function write(doing: Doing, table: Table, kind: 'create' | 'update' | 'upsert' | 'delete'): Promise<Done> {
  const { world, behaviour, dry } = doing
  const now = world.now()
  const merge = behaviour.merge ?? 'deep'
  if (kind === 'create') return created(doing, table, await table.create(await valuesOf(doing, table), now, dry))
  if (kind === 'upsert') {
    const found = await maybeOne(doing, table)
    if (!found) return created(doing, table, await table.create(await valuesOf(doing, table), now, dry))
    const entry = await table.update(found, await valuesOf(doing, table), merge, now, dry)
    return written(doing, table, entry, { created: false })
  }
  const entry = await one(doing, table)
  await checkVersion(doing, table, entry)
  if (kind === 'delete') {
    const { record } = entry
    if (!dry) await table.remove(entry, now)
    return { status: 204, names: { record } }
  }
  return written(doing, table, await table.update(entry, await valuesOf(doing, table), merge, now, dry), {
    created: false,
  })
}

const created = async (doing: Doing, table: Table, entry: Entry): Promise<Done> => ({
  ...(await written(doing, table, entry, { created: true })),
  status: 201,
})

async function written(doing: Doing, table: Table, entry: Entry, more: Names): Promise<Done> {
  const bytes = bytesOf(doing)
  if (bytes && !doing.dry) await table.fill(entry, bytes)
  const record = await shown(doing, entry.record)
  return { status: 200, names: { record, ...more }, answer: record }
}

async function checkVersion({ world, behaviour, names }: Doing, table: Table, entry: Entry): Promise<void> {
  const { version } = table.collection
  if (!behaviour.if_version || !version) return
  const given = await world.expressions.evaluate(behaviour.if_version, names)
  if (given !== undefined && given !== null && String(given) !== String(at(entry.record, version)))
    throw new Refusal('conflict', { reason: 'version', value: given, id: entry.id })
}

async function job({ world, behaviour, names }: Doing): Promise<Done> {
  if (behaviour.job) {
    const given = behaviour.values ? await world.expressions.evaluate(behaviour.values, names) : names.body
    return { status: 200, names: { job: world.jobs.start(behaviour.job, given) } }
  }
  const id = (names.path as Names | undefined)?.id
  return { status: 200, names: { job: world.jobs.poll(id, behaviour.poll!, behaviour.polls ?? 2) } }
}

/** One step of an upload in parts; names: `upload` (id, received, total, given), and `record` once it is whole. */
async function upload(doing: Doing): Promise<Done> {
  const { world, behaviour, names, call } = doing
  const number = async (text: string | undefined) => {
    const value = text ? await world.expressions.evaluate(text, names) : undefined
    return value === undefined || value === null ? null : Number(value)
  }
  if (behaviour.upload === 'start') {
    const given = behaviour.values ? await world.expressions.evaluate(behaviour.values, names) : names.body
    return { status: 200, names: { upload: told(world.uploads.start(given, await number(behaviour.total))) } }
  }
  const path = names.path as Names | undefined
  const open = world.uploads.find(path?.upload ?? path?.id)
  if (behaviour.upload === 'part') world.uploads.take(open, call!, (await number(behaviour.offset)) ?? undefined)
  const whole = behaviour.upload === 'finish' || world.uploads.done(open)
  if (!whole || (behaviour.create === undefined && behaviour.update === undefined && behaviour.upsert === undefined))
    return { status: 200, names: { upload: told(open), done: false } }
  world.uploads.close(open)
  const { upload: _, ...next } = behaviour
  const scope = { ...names, upload: told(open) }
  const written = await behave({ ...doing, behaviour: next, names: scope, held: open.bytes })
  return { ...written, names: { ...written.names, upload: told(open), done: true } }
}

const told = ({ id, given, bytes, total }: Upload) => ({ id, given, received: bytes.length, total })

/** The bytes a request gives to the record it writes. */
function bytesOf({ behaviour, call, held }: Doing): Buffer | undefined {
  if (held) return held
  if (!behaviour.bytes) return undefined
  return behaviour.bytes === 'body' ? call?.bytes : call?.files.get(behaviour.bytes)
}

/** Items of one call, each done or refused for itself; `all_or_nothing` does none where one is refused. */
async function batch(doing: Doing): Promise<Done> {
  const { world, behaviour, names } = doing
  const given = await world.expressions.evaluate(behaviour.batch!, names)
  const items = Array.isArray(given) ? given : given === undefined ? [] : [given]
  if (behaviour.max !== undefined && items.length > behaviour.max)
    throw new Refusal(
      'too_many',
      { reason: 'too_many', value: items.length, message: `at most ${behaviour.max} items` },
      true,
    )
  const each = (item: unknown, index: number, dry = false): Promise<Done> =>
    behave({ ...doing, dry, behaviour: behaviour.each!, names: { ...names, item, index } })
  if (behaviour.all_or_nothing) for (const [index, item] of items.entries()) await each(item, index, true)
  const results: unknown[] = []
  const errors: unknown[] = []
  const outcomes: unknown[] = []
  for (const [index, item] of items.entries()) {
    const scope = { ...names, item, index }
    try {
      const done = await each(item, index)
      const said =
        behaviour.done === undefined
          ? done.answer
          : await fill(behaviour.done, { ...scope, ...done.names }, world.expressions)
      if (said !== undefined) for (const list of [results, outcomes]) list.push(said)
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      const said = await fill(
        behaviour.failed,
        { ...scope, problem: { ...refusal.detail, kind: refusal.kind } },
        world.expressions,
      )
      if (said !== undefined && said !== null) for (const list of [errors, outcomes]) list.push(said)
    }
  }
  return { status: 200, names: { results, errors, outcomes }, answer: outcomes }
}
