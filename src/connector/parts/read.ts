/** Reading a stream page by page, for every protocol that asks a question and gets an answer. */
import { digest, type Json, type JsonObject } from '../../core/index.ts'
import type { Page, ReadRequest, RejectedRecord, SourceRecord } from '../contract.ts'
import {
  type CompiledPart,
  expression,
  type Field,
  type Fields,
  part,
  type Scope,
  section,
  template,
} from '../language/index.ts'
import { isRejected, usableId } from '../manifest/record.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import { ANSWER_NAMES, type Answer, answerScope, type Caller } from './answer.ts'
import { isTrue } from './errors.ts'
import { type Incremental, incrementalPart, initialWatermark, sinceOf, Watermark } from './incremental.ts'
import { LoopGuard, nextPosition, type Paging, type Position, pagingField, positionScope } from './paging.ts'
import { idleSince, listOf, unusedNames } from './read-checks.ts'
import { type Pass, parseCursor, passFor, type StreamCursor, storedCursor } from './stream-cursor.ts'

const READ_NAMES = ['settings', 'since', 'cursor', 'page'] as const

const pageFields = (paging: Field<Paging>) => ({
  records: expression({
    sense: 'Where the records stand in the answer. No value means none; a single object counts as one.',
    names: [...ANSWER_NAMES, 'page'],
    default: 'response',
    example: 'response.data',
  }),
  page_size: template({
    sense: 'Value of `page.size`: how many records to ask for.',
    names: ['settings'],
    default: '100',
  }),
  paging,
  empty: expression({
    sense: 'True for an answer that looks like a failure and means: no records.',
    names: ANSWER_NAMES,
    example: 'status = 404',
  }),
  expired: expression({
    sense: 'True for an answer that refuses a stored cursor as too old; the pass then begins anew.',
    names: ANSWER_NAMES,
    example: 'status = 410',
  }),
})

const deletionsPart = <R extends Fields>(request: (names: readonly string[]) => R, paging: Field<Paging>) =>
  part({
    title: 'Deletions',
    sense:
      'A list of deleted records, asked after the changed ones. Where it takes `since`, a first read leaves it out.',
    fields: {
      ...request(READ_NAMES),
      ...pageFields(paging),
      id: expression({
        sense: 'Id of a deleted record.',
        names: ['record', 'settings'],
        required: true,
        example: 'record.id',
      }),
    },
    check: (value) => unusedNames(value, value.paging, undefined),
  })

/** The `read` part of a stream whose requests have the given fields. */
export const readPart = <R extends Fields>(
  request: (names: readonly string[]) => R,
  example: string,
  paging: Field<Paging> = pagingField,
) =>
  part({
    title: 'Read',
    sense: 'How the records of the stream are read.',
    fields: {
      ...request(READ_NAMES),
      ...pageFields(paging),
      incremental: section(incrementalPart, { sense: 'Reading changes only.' }),
      deletions: section(deletionsPart(request, paging), { sense: 'Where deleted records are listed apart.' }),
    },
    check: (value) => [...unusedNames(value, value.paging, value.incremental), ...idleSince(value, value.incremental)],
    example,
  })

type PageSpec = CompiledPart<ReturnType<typeof pageFields>>
export type ReadSpec<R> = R &
  PageSpec & {
    incremental: Incremental | undefined
    deletions: (R & PageSpec & { id: { evaluate(scope: Scope): unknown } }) | undefined
  }

export type ReaderContext<R> = {
  stream: StreamSpec<unknown>
  read: ReadSpec<R>
  caller: Caller<R>
  settings: JsonObject
}

/** Reads from where the cursor says, one page per call; nothing is asked before the caller wants it. */
export async function* readPages<R>(context: ReaderContext<R>, request: ReadRequest): AsyncGenerator<Page> {
  const { read, settings } = context
  const stored = parseCursor(request.cursor)
  const initial = initialWatermark(read.incremental, settings)
  const { pass, resumed } = passFor(request.mode, stored, initial)
  yield* new PassReader(context, request, stored.watermark, pass, resumed).pages()
}

class PassReader<R> {
  private readonly context: ReaderContext<R>
  private readonly request: ReadRequest
  private readonly pass: Pass
  private readonly watermark: Watermark | null
  private readonly since: Json | undefined
  private committed: string | null
  private mayRestart: boolean

  constructor(context: ReaderContext<R>, request: ReadRequest, committed: string | null, pass: Pass, resumed: boolean) {
    const { incremental } = context.read
    this.context = context
    this.request = request
    this.committed = committed
    this.pass = { ...pass }
    this.mayRestart = resumed
    this.watermark = incremental ? new Watermark(incremental, context.settings, pass.newest) : null
    this.since = incremental && pass.since !== null ? sinceOf(incremental, pass.since, context.settings) : undefined
  }

  async *pages(): AsyncGenerator<Page> {
    if (this.pass.phase === 'records') yield* this.phase(this.context.read, this.hasDeletions)
    if (this.hasDeletions) {
      if (this.pass.phase === 'records') this.enter('deletions')
      yield* this.phase(this.context.read.deletions!, false)
    }
  }

  /** A list of deletions "since" is of no use to a read from the beginning. */
  private get hasDeletions(): boolean {
    const { deletions } = this.context.read
    return deletions !== undefined && (this.since !== undefined || !usesSince(deletions))
  }

  private enter(phase: Pass['phase']): void {
    this.pass.phase = phase
    this.pass.position = {}
  }

  private async *phase(spec: R & PageSpec, moreFollows: boolean): AsyncGenerator<Page> {
    const { paging } = spec
    const size = Number(spec.page_size.evaluate({ settings: this.context.settings })) || 100
    let position: Position | null = this.pass.position
    let guard = new LoopGuard(paging, this.context.stream.name, position)
    while (position) {
      guard.enter(position)
      const asked = this.scope(paging, position, size)
      const answer = await this.ask(spec, asked)
      if (answer === 'expired') {
        position = this.restart()
        guard = new LoopGuard(paging, this.context.stream.name, position)
        continue
      }
      const bodies = answer.failure ? [] : this.bodies(spec, answer, asked)
      const { records, rejected } = this.made(bodies)
      const mark = idsOf(records)
      const clamped = guard.repeats(mark)
      const scope = { ...answerScope(answer, this.context.settings), page: asked.page }
      position =
        answer.failure || clamped
          ? null
          : nextPosition(paging, position, { answer, scope, count: bodies.length, size, mark })
      yield {
        records: clamped ? [] : records,
        rejected: clamped ? [] : rejected,
        cursor: this.cursorAfter(position, answer.requestedAt, moreFollows),
        requestedAt: answer.requestedAt,
        last: position === null && !moreFollows,
      }
    }
  }

  private scope(paging: Paging, position: Position, size: number) {
    return {
      settings: this.context.settings,
      ...(this.since === undefined ? {} : { since: this.since }),
      ...positionScope(paging, position, size),
    }
  }

  /** Asks for one page. A failure that is declared to mean "no records" comes back as an answer with `failure` set. */
  private async ask(spec: R & PageSpec, asked: Scope & { url?: string }): Promise<Answer | 'expired'> {
    const { caller, settings } = this.context
    const { url, ...scope } = asked
    const answer = await caller.call(spec, scope, {
      signal: this.request.signal,
      purpose: 'read',
      ...(url === undefined ? {} : { url }),
    })
    if (!answer.failure) return answer
    const looked = answerScope(answer, settings)
    if (spec.empty && isTrue(spec.empty.evaluate(looked))) return answer
    if (this.mayRestart && spec.expired && isTrue(spec.expired.evaluate(looked))) return 'expired'
    throw answer.failure
  }

  /** The stored position is too old: the phase begins anew, once. */
  private restart(): Position {
    this.mayRestart = false
    this.pass.position = {}
    return this.pass.position
  }

  private bodies(spec: PageSpec, answer: Answer, asked: Scope): Json[] {
    const scope = { ...answerScope(answer, this.context.settings), page: asked.page }
    return listOf(spec.records.evaluate(scope))
  }

  private made(bodies: Json[]): { records: SourceRecord[]; rejected: RejectedRecord[] } {
    const records: SourceRecord[] = []
    const rejected: RejectedRecord[] = []
    const { deletions } = this.context.read
    const deleting = this.pass.phase === 'deletions' && deletions
    for (const body of bodies) {
      const made = deleting ? this.tombstone(body, deletions) : this.context.stream.toRecord(body)
      if (isRejected(made)) rejected.push(made)
      else records.push(made)
      if (!deleting) this.watermark?.see(body)
    }
    return { records, rejected }
  }

  private tombstone(body: Json, { id }: { id: { evaluate(scope: Scope): unknown } }): SourceRecord | RejectedRecord {
    const usable = usableId(id.evaluate({ record: body, settings: this.context.settings }))
    // Let the stream itself say what is wrong with a body without id.
    return usable === null ? this.context.stream.toRecord(null) : { id: usable, version: null, body: {}, deleted: true }
  }

  /** What to store once the page is committed. */
  private cursorAfter(position: Position | null, requestedAt: Date, moreFollows: boolean): JsonObject {
    const newest = this.watermark?.upTo(requestedAt) ?? null
    const done = position === null && !moreFollows
    if (done || this.context.read.incremental?.ordered) this.committed = newest ?? this.committed
    const pass: Pass | null = done
      ? null
      : position
        ? { ...this.pass, newest: this.watermark?.newest ?? null, position }
        : { ...this.pass, newest: this.watermark?.newest ?? null, phase: 'deletions', position: {} }
    const cursor: StreamCursor = { watermark: this.committed, pass }
    return storedCursor(cursor)
  }
}

const usesSince = (spec: object): boolean =>
  Object.values(spec).some((value) => (value as { names?: ReadonlySet<string> } | undefined)?.names?.has('since'))

/** Marks a page by the ids on it; two pages in a row with the same mark are the same page. */
const idsOf = (records: SourceRecord[]): string =>
  records.length ? digest(records.map((record) => record.id).join('\n')) : ''
