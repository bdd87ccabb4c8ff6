/** One pass over a stream (or a partition of it), page by page, for every protocol that asks a question and gets an answer. */
import { setImmediate as immediate } from 'node:timers/promises'
import { CausewayError, digest, type Json, type JsonObject, systemClock } from '../../core/index.ts'
import type { Page, ReadRequest, SourceRecord } from '../contract.ts'
import { asText, type Scope } from '../language/index.ts'
import { Anchoring } from './anchoring.ts'
import { type Answer, answerScope } from './answer.ts'
import { markInLog } from './change-log.ts'
import type { Partition } from './for-each.ts'
import { initialWatermark, sinceOf, Watermark } from './incremental.ts'
import { fileRows, type ReadJob } from './job-read.ts'
import { completeNested } from './nested.ts'
import { PageAnswers } from './page-answer.ts'
import type { PageSpec } from './page-fields.ts'
import { LoopGuard, nextPosition, type Paging, type Position, positionScope, totalOf } from './paging.ts'
import { polled } from './poll.ts'
import type { Asked, ReaderContext } from './reader.ts'
import { type Pass, parseCursor, passFor, type StreamCursor, storedCursor } from './stream-cursor.ts'
import { sortableTimestamp } from './timestamps.ts'
import { readOn, wayOf } from './two-ways.ts'

/**
 * Reads from where the cursor says, one page per call. Where an answer alone tells the next position, the next page is on its way
 * while the caller has this one.
 */
export async function* readPass<R>(context: ReaderContext<R>, request: ReadRequest): AsyncGenerator<Page> {
  const { read, settings } = context
  const stored = parseCursor(request.cursor)
  const initial = initialWatermark(read.incremental, settings)
  const { pass, resumed } = passFor(request.mode, stored, initial)
  const left = new AbortController()
  const signal = AbortSignal.any([request.signal, left.signal])
  try {
    const names = context.partition?.names ?? {}
    const byPages = context.byPages ?? context.partition?.first !== undefined
    const way = await wayOf(pass, { ...context, names, initial, resumed, byPages, signal })
    const onWay = { ...context, read: readOn(read, way) }
    const chosen = way ? { ...pass, way } : pass
    yield* new PassReader(onWay, { ...request, signal }, stored.watermark, chosen, resumed).pages()
  } finally {
    // Ends the question that is under way when the caller wants no more.
    left.abort()
  }
}

type Question = { asked: Asked; answering: Promise<Answer | 'expired'> }

class PassReader<R> {
  private readonly context: ReaderContext<R>
  private readonly request: ReadRequest
  private readonly pass: Pass
  private readonly watermark: Watermark | null
  private readonly anchors: Anchoring | null
  private readonly answers: PageAnswers<R>
  private since: Json | undefined
  private committed: string | null
  private mayRestart: boolean
  private jobAnswer: Json | undefined

  constructor(context: ReaderContext<R>, request: ReadRequest, committed: string | null, pass: Pass, resumed: boolean) {
    const { incremental, server_cursor } = context.read
    this.context = context
    this.request = request
    this.committed = committed
    this.pass = { ...pass }
    this.mayRestart = resumed || (server_cursor !== undefined && pass.since !== null)
    if (server_cursor?.as === 'url' && pass.since !== null && pass.phase === 'records' && !resumed)
      this.pass.position = { url: pass.since }
    this.watermark = incremental ? new Watermark(incremental, context.settings, pass.newest) : null
    const { watermark } = this
    this.answers = new PageAnswers({
      context,
      pass: this.pass,
      watermark,
      signal: request.signal,
      names: () => this.names,
    })
    const { settings, stream } = context
    this.anchors =
      incremental && this.watermark
        ? new Anchoring({
            spec: incremental,
            stream: stream.name,
            settings,
            pass: this.pass,
            watermark: this.watermark,
          })
        : null
    if (pass.since !== null)
      this.since = incremental
        ? sinceOf(incremental, pass.since, context.settings)
        : server_cursor?.as === 'value'
          ? pass.since
          : undefined
  }

  async *pages(): AsyncGenerator<Page> {
    if (this.pass.phase === 'records') yield* this.records()
    if (this.hasDeletions) {
      if (this.pass.phase === 'records') this.enter('deletions')
      yield* this.phase(this.context.read.deletions!, false)
    }
  }

  private async *records(): AsyncGenerator<Page> {
    const { job } = this.context.read
    await this.firstMark()
    if (job) yield* this.prepared(job)
    if (job?.files) yield* this.files(job.files)
    else yield* this.phase(this.context.read, this.hasDeletions)
  }

  /** Asks for the mark a read of everything begins at, where its pages give none. */
  private async firstMark(): Promise<void> {
    const { read, caller, settings } = this.context
    const begin = read.server_cursor?.begin
    if (!begin || this.pass.since !== null || this.pass.newest !== null) return
    const answer = await caller.call(begin, this.names, { signal: this.request.signal, purpose: 'read' })
    if (answer.failure) throw answer.failure
    const mark = begin.mark.evaluate(answerScope(answer, settings))
    if (mark !== undefined && mark !== null && mark !== '') this.pass.newest = asText(mark)
  }

  /** Starts the job (or takes up the one that a broken pull has started) and waits for it. */
  private async *prepared(job: ReadJob<R>): AsyncGenerator<Page> {
    const { caller, settings } = this.context
    for (let again = this.mayRestart; ; again = false) {
      if (!this.pass.job) yield await this.started(job)
      const { id, at } = this.pass.job!
      const { signal } = this.request
      try {
        const polling = polled({ caller, settings, spec: job, job: id, startedAt: at, signal })
        let step = await polling.next()
        for (; !step.done; step = await polling.next()) yield this.emptyPage()
        this.jobAnswer = step.value.response
        return
      } catch (error) {
        if (signal.aborted || !isOver(error)) throw error
        // What failed, or is forgotten there, must not be waited for once more.
        this.pass.job = null
        this.pass.position = {}
        yield this.emptyPage()
        if (!again || (error as CausewayError).code !== 'CSW-3009') throw error
      }
    }
  }

  private async started({ start, id }: ReadJob<R>): Promise<Page> {
    const { caller } = this.context
    const scope = this.scope(this.context.read.paging, {}, this.size(this.context.read))
    const answer = await caller.call(start, scope, { signal: this.request.signal, purpose: 'read' })
    if (answer.failure) throw answer.failure
    this.pass.began ??= sortableTimestamp(answer.requestedAt.toISOString())
    const named = id?.evaluate({ ...answerScope(answer, this.context.settings), ...this.names })
    this.pass.job = { id: (named ?? null) as Json, at: answer.requestedAt.getTime() }
    return this.emptyPage()
  }

  /** Nothing to store but where the pass stands. */
  private emptyPage(): Page {
    const requestedAt = systemClock.now()
    const cursor = this.cursorAfter(this.pass.position, requestedAt, true)
    return { records: [], rejected: [], cursor, requestedAt, last: false }
  }

  private async *files(files: NonNullable<ReadJob<R>['files']>): AsyncGenerator<Page> {
    const { signal } = this.request
    const open = (url: string) => this.context.download!(url, signal)
    const requestedAt = new Date(this.pass.job!.at)
    const more = this.hasDeletions
    for await (const { rows, next } of fileRows(
      files,
      this.names,
      this.pass.position,
      this.size(this.context.read),
      open,
    )) {
      const { add } = this.context.partition ?? {}
      const values = files.typed ? this.answers.typed(rows) : rows
      const made = await this.answers.made(add ? values.map((row) => this.answers.placed(row)) : values)
      yield { ...made, cursor: this.cursorAfter(next, requestedAt, more), requestedAt, last: next === null && !more }
    }
  }

  /** Records are asked for by what changed; deletions are not. */
  private get anchoring(): Anchoring | null {
    return this.pass.phase === 'records' ? this.anchors : null
  }

  private size(spec: PageSpec): number {
    return Number(spec.page_size.evaluate({ settings: this.context.settings })) || 100
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

  /** The names every expression of this pass may use. */
  private get names(): Scope {
    const { job } = this.pass
    return {
      settings: this.context.settings,
      ...this.context.partition?.names,
      ...(job ? { job: { id: job.id, answer: this.jobAnswer } } : {}),
    }
  }

  private async *phase(spec: R & PageSpec, moreFollows: boolean): AsyncGenerator<Page> {
    const { paging } = spec
    const size = this.size(spec)
    let position: Position | null = this.pass.position
    const embedded =
      this.pass.phase === 'records' && Object.keys(this.pass.position).length === 0 && this.context.partition?.first
    if (embedded) {
      position = embedded.next === undefined ? null : { cursor: embedded.next }
      yield await this.embeddedPage(embedded, position, moreFollows)
      if (!position) return
    }
    let guard = new LoopGuard(paging, this.context.stream.name, position)
    const foreseeable = this.isForeseeable(paging)
    let ahead: Question | undefined
    while (position) {
      const { asked, answering }: Question = ahead ?? this.question(spec, guard, position, size)
      ahead = undefined
      const answer: Answer | 'expired' = await answering
      if (answer === 'expired') {
        position = this.restart()
        await this.firstMark()
        guard = new LoopGuard(paging, this.context.stream.name, position)
        continue
      }
      this.pass.began ??= sortableTimestamp(answer.requestedAt.toISOString())
      const bodies = answer.failure ? [] : this.answers.found(spec, answer, asked)
      if (!answer.failure && this.pass.phase === 'records')
        this.context.onAnswer?.({ ...this.seenScope(answer, asked), ...this.names })
      if (foreseeable && !answer.failure) {
        const next = this.behind(paging, position, { answer, asked, bodies, size, mark: '' })
        if (next) ahead = this.question(spec, guard, next, size)
        // A turn of the event loop, so that it leaves before this page takes the thread.
        if (next) await immediate()
      }
      if (this.pass.phase === 'records') await completeNested(this.context, bodies, this.request.signal)
      const { records, rejected } = await this.answers.made(bodies)
      this.note(answer)
      const asOf = this.asOf(answer)
      const mark = idsOf(records)
      const clamped = guard.repeats(mark)
      position = answer.failure || clamped ? null : this.behind(paging, position, { answer, asked, bodies, size, mark })
      if (this.anchoring) position = this.anchoring.afterPage(position, bodies, size)
      if (position && Object.keys(position).length === 0)
        guard = new LoopGuard(paging, this.context.stream.name, position)
      yield {
        records: clamped ? [] : (this.anchoring?.beyondBorder(records) ?? records),
        rejected: clamped ? [] : rejected,
        cursor: this.cursorAfter(position, asOf, moreFollows),
        requestedAt: asOf,
        last: position === null && !moreFollows,
        ...(this.pass.phase === 'records' ? totalOf(paging, this.seenScope(answer, asked)) : {}),
      }
    }
  }

  /** When what an answer holds was true at the earliest: the result of a job is as old as the job. */
  private asOf({ requestedAt }: Answer): Date {
    return this.pass.job && this.pass.phase === 'records' ? new Date(this.pass.job.at) : requestedAt
  }

  /** True where the position of the next page depends on the answer alone, not on the records or on how many there were. */
  private isForeseeable({ kind, ...paging }: Paging): boolean {
    const { incremental } = this.context.read
    const depends = incremental && (incremental.newest_first || incremental.cap !== undefined || incremental.reanchor)
    const constant = 'constant' in paging && paging.constant
    return !depends && !constant && ['cursor', 'relay', 'next-url', 'link-header'].includes(kind)
  }

  /** Asks for the page at a position. Whatever goes wrong is raised where the answer is awaited, behind the pages before it. */
  private question(spec: R & PageSpec, guard: LoopGuard, position: Position, size: number): Question {
    const asked = this.scope(spec.paging, position, size)
    const ask = async (): Promise<Answer | 'expired'> => {
      guard.enter(position)
      return this.answers.ask(spec, asked, this.mayRestart)
    }
    const answering = ask()
    answering.catch(() => undefined)
    return { asked, answering }
  }

  private behind(
    paging: Paging,
    position: Position,
    { answer, asked, bodies, size, mark }: { answer: Answer; asked: Asked; bodies: Json[]; size: number; mark: string },
  ): Position | null {
    const scope = this.seenScope(answer, asked)
    return nextPosition(paging, position, {
      answer,
      scope,
      count: bodies.length,
      size,
      mark,
      lastRecord: bodies.at(-1),
    })
  }

  private seenScope(answer: Answer, asked: Asked) {
    return { ...answerScope(answer, this.context.settings), page: asked.page }
  }

  /** The first page, which came with the parent. */
  private async embeddedPage(
    { bodies, requestedAt }: NonNullable<Partition['first']>,
    position: Position | null,
    moreFollows: boolean,
  ): Promise<Page> {
    this.pass.began ??= sortableTimestamp(requestedAt.toISOString())
    await completeNested(this.context, bodies, this.request.signal)
    const made = await this.answers.made(bodies.map((body) => this.answers.placed(body)))
    const cursor = this.cursorAfter(position, requestedAt, moreFollows)
    return { ...made, cursor, requestedAt, last: position === null && !moreFollows }
  }

  /** Remembers the mark that a system gives for the next pull. */
  private note(answer: Answer): void {
    const { server_cursor } = this.context.read
    if (!server_cursor || answer.failure || this.pass.phase !== 'records') return
    const mark = server_cursor.next.evaluate(answerScope(answer, this.context.settings))
    if (mark !== undefined && mark !== null && mark !== '') this.pass.newest = asText(mark)
  }

  private scope(paging: Paging, position: Position, size: number): Asked {
    const since = this.anchoring?.since ?? this.since
    return {
      ...this.names,
      ...(since === undefined ? {} : { since }),
      ...positionScope(paging, position, size),
    }
  }

  /** The stored position or mark is too old: the phase begins anew, once; without a mark, everything is read. */
  private restart(): Position {
    this.mayRestart = false
    if (this.context.read.server_cursor) {
      this.pass.since = null
      this.pass.newest = null
      this.since = undefined
    }
    this.pass.position = {}
    return this.pass.position
  }

  /** How far the stream is read once the pass is over. */
  private markOf(upTo: string | null, now: string): string | null {
    const { changes } = this.context.read
    const began = this.pass.began ?? now
    // The log goes on from the moment in which the list was begun.
    if (this.pass.way === 'list') return began
    return changes && this.pass.way === 'log' ? markInLog(changes, { upTo, began, before: this.committed }) : upTo
  }

  /** What to store once the page is committed. */
  private cursorAfter(position: Position | null, requestedAt: Date, moreFollows: boolean): JsonObject {
    const now = sortableTimestamp(requestedAt.toISOString())!
    const upTo = this.watermark?.upTo(now, this.pass.began ?? now) ?? null
    const newest = this.context.read.server_cursor ? this.pass.newest : this.markOf(upTo, now)
    const seen = this.context.read.server_cursor ? this.pass.newest : (this.watermark?.newest ?? null)
    const done = position === null && !moreFollows
    if (done || this.context.read.incremental?.ordered) this.committed = newest ?? this.committed
    const pass: Pass | null = done
      ? null
      : position
        ? { ...this.pass, newest: seen, position }
        : { ...this.pass, newest: seen, phase: 'deletions', position: {} }
    const cursor: StreamCursor = { watermark: this.committed, pass }
    return storedCursor(cursor)
  }
}

/** Failures after which a job is of no use: it failed, is forgotten, or took too long. */
const isOver = (error: unknown): boolean =>
  error instanceof CausewayError && ['CSW-3016', 'CSW-3009', 'CSW-3002'].includes(error.code)

const usesSince = (spec: object): boolean =>
  Object.values(spec).some((value) => (value as { names?: ReadonlySet<string> } | undefined)?.names?.has('since'))

/** Marks a page by the ids on it; two pages in a row with the same mark are the same page. */
const idsOf = (records: SourceRecord[]): string =>
  records.length ? digest(records.map((record) => record.id).join('\n')) : ''
