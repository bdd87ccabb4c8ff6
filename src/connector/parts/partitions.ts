/** Reads a stream part by part. What is stored between pages says which parts are done, so that a broken pull goes on there. */
import { isObject, type JsonObject, systemClock } from '../../core/index.ts'
import type { Page, ReadRequest } from '../contract.ts'
import { type ForEach, markName, type Partition, partitionOfParent, partitionsOfValues } from './for-each.ts'
import { readPass } from './read.ts'
import type { ReaderContext } from './reader.ts'
import { TreeReader } from './tree.ts'

/** More marks would make the cursor, which is stored with every page, too large. */
const MOST_MARKS = 5_000
/** Pages without records are not worth a commit each; but progress must be stored now and then. */
const MOST_EMPTY_PAGES = 20

export type PartitionContext<R> = ReaderContext<R> & {
  /** Reads the stream of the parents. */
  parents?: (stream: string, request: Omit<ReadRequest, 'stream'>) => AsyncIterable<Page>
}

/** Reads from where the cursor says, one page per call, through all parts where `for_each` cuts the stream. */
export const readPages = <R>(context: PartitionContext<R>, request: ReadRequest): AsyncGenerator<Page> =>
  !context.read.for_each
    ? readPass(context, request)
    : context.read.for_each.kind === 'tree'
      ? new TreeReader(context, context.read.for_each, request).pages()
      : new PartitionReader(context, context.read.for_each, request).pages()

/** A walk through the parts that is under way. */
type Walk = {
  mode: ReadRequest['mode']
  /** Cursor of the parents' stream before the page on which `key` stands. */
  parents: JsonObject | null
  /** The part that was read last. */
  key: string
  /** Where reading it stands; null: it is done. */
  inner: JsonObject | null
}
type EachCursor = {
  /** How far each part is read. */
  marks: Record<string, string>
  /** Cursor of the parents' stream after the last walk, where only changed parents are looked at. */
  parents: JsonObject | null
  walk: Walk | null
}
/** Parts that were found together. */
type Group = { before: JsonObject | null; after: JsonObject | null; parts: Partition[] }

class PartitionReader<R> {
  private readonly context: PartitionContext<R>
  private readonly each: Exclude<ForEach, { kind: 'tree' }>
  private readonly request: ReadRequest
  private readonly mode: ReadRequest['mode']
  private readonly walk: Walk | null
  private readonly marks: Record<string, string>
  private readonly seen = new Set<string>()
  private parentsAfter: JsonObject | null
  private requestedAt = systemClock.now()
  private empty = 0

  constructor(context: PartitionContext<R>, each: Exclude<ForEach, { kind: 'tree' }>, request: ReadRequest) {
    const { marks, walk, parents } = parseEach(request.cursor)
    this.context = context
    this.each = each
    this.request = request
    // A broken full walk is finished first, as a broken full pass is; a broken incremental one is no use to a full read.
    this.walk = walk && (request.mode === 'incremental' || walk.mode === 'full') ? walk : null
    this.mode = this.walk?.mode ?? request.mode
    this.marks = marks
    this.parentsAfter = parents
  }

  async *pages(): AsyncGenerator<Page> {
    let resume = this.walk
    for await (const group of this.groups()) {
      const at = resume ? group.parts.findIndex(({ key }) => key === resume!.key) : -1
      for (const part of group.parts.slice(Math.max(at, 0))) {
        this.seen.add(markName(part.key))
        const resumed = at >= 0 && part.key === resume?.key ? resume : null
        // It was finished before the break.
        if (resumed && resumed.inner === null) continue
        yield* this.part(part, group, resumed?.inner ?? null)
      }
      resume = null
      this.parentsAfter = group.after
    }
    yield this.lastPage()
  }

  private async *groups(): AsyncGenerator<Group> {
    const { each, context, request } = this
    if (each.kind === 'values') {
      yield { before: null, after: null, parts: partitionsOfValues(each, context.settings) }
      return
    }
    let before = this.walk ? this.walk.parents : each.changed ? this.parentsAfter : null
    const mode = each.changed ? this.mode : 'full'
    for await (const page of context.parents!(each.stream, { mode, cursor: before, signal: request.signal })) {
      this.requestedAt = page.requestedAt
      const parts = page.records.flatMap(
        (record) => partitionOfParent(each, record, page.requestedAt, context.settings) ?? [],
      )
      yield { before, after: page.cursor, parts }
      before = page.cursor
    }
  }

  private async *part(part: Partition, group: Group, inner: JsonObject | null): AsyncGenerator<Page> {
    const whole = this.each.kind === 'parent' && this.each.changed
    const mark = whole ? undefined : this.marks[markName(part.key)]
    const cursor = inner ?? (mark === undefined ? null : { watermark: mark })
    const request: ReadRequest = { ...this.request, mode: whole ? 'full' : this.mode, cursor }
    for await (const page of readPass({ ...this.context, partition: part }, request)) {
      this.requestedAt = page.requestedAt
      if (page.last && !whole) this.keepMark(part.key, page.cursor.watermark)
      const walk = { mode: this.mode, parents: group.before, key: part.key, inner: page.last ? null : page.cursor }
      const { total: _ofThePart, ...rest } = page
      if (page.records.length + page.rejected.length > 0 || ++this.empty > MOST_EMPTY_PAGES) {
        this.empty = 0
        yield { ...rest, last: false, cursor: this.stored(walk) }
      }
    }
  }

  private keepMark(key: string, watermark: unknown): void {
    const name = markName(key)
    if (typeof watermark !== 'string') return
    if (Object.hasOwn(this.marks, name) || Object.keys(this.marks).length < MOST_MARKS) this.marks[name] = watermark
  }

  /** Copied: what was handed out is stored while the next page is already being read. */
  private stored(walk: Walk | null): JsonObject {
    return {
      marks: { ...this.marks },
      ...(this.each.kind === 'parent' && this.each.changed ? { parents: this.parentsAfter } : {}),
      ...(walk ? { walk } : {}),
    }
  }

  private lastPage(): Page {
    // Parts that are gone need no mark. After a break nobody knows which those are.
    if (!this.walk) for (const name of Object.keys(this.marks)) if (!this.seen.has(name)) delete this.marks[name]
    return { records: [], rejected: [], cursor: this.stored(null), requestedAt: this.requestedAt, last: true }
  }
}

/** Reads a stored cursor; what is not there, or was edited into something else, counts as "not yet". */
function parseEach(stored: JsonObject | null): EachCursor {
  const marks: unknown = stored?.marks
  const walk: unknown = stored?.walk
  return {
    marks: isObject(marks)
      ? Object.fromEntries(
          Object.entries(marks).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
        )
      : {},
    parents: objectOrNull(stored?.parents),
    walk:
      isObject(walk) && typeof walk.key === 'string'
        ? {
            mode: walk.mode === 'incremental' ? 'incremental' : 'full',
            parents: objectOrNull(walk.parents),
            key: walk.key,
            inner: objectOrNull(walk.inner),
          }
        : null,
  }
}

const objectOrNull = (value: unknown): JsonObject | null => (isObject(value) ? (value as JsonObject) : null)
