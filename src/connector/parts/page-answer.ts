/** One page of a pass: asked for, and its answer made into records. */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Scope } from '../language/index.ts'
import { type Answer, answerScope } from './answer.ts'
import { refuseErrorInside } from './error-inside.ts'
import { isTrue } from './errors.ts'
import type { Watermark } from './incremental.ts'
import { fetchRecords } from './lookup.ts'
import type { PageSpec } from './page-fields.ts'
import { listOf } from './read-checks.ts'
import { type Asked, MarkExpired, type ReaderContext } from './reader.ts'
import { type Made, recordsOf, recordsOfLog, tombstonesOf } from './records-of-page.ts'
import { rowsParser } from './rows.ts'
import type { Pass } from './stream-cursor.ts'

type Reading<R> = {
  context: ReaderContext<R>
  /** The pass under way, whose phase changes as it goes on. */
  pass: Pick<Pass, 'phase' | 'way'>
  watermark: Watermark | null
  signal: AbortSignal
  /** The names every expression of the pass may use. */
  names: () => Scope
}

export class PageAnswers<R> {
  private readonly context: ReaderContext<R>
  private readonly pass: Pick<Pass, 'phase' | 'way'>
  private readonly watermark: Watermark | null
  private readonly signal: AbortSignal
  private readonly namesNow: () => Scope

  constructor({ context, pass, watermark, signal, names }: Reading<R>) {
    this.context = context
    this.pass = pass
    this.watermark = watermark
    this.signal = signal
    this.namesNow = names
  }

  private get names(): Scope {
    return this.namesNow()
  }

  /** Asks for one page. A failure that is declared to mean "no records" comes back as an answer with `failure` set. */
  async ask(spec: R & PageSpec, asked: Asked, mayRestart: boolean): Promise<Answer | 'expired'> {
    const { caller, settings } = this.context
    const { url, ...scope } = asked
    const parse = this.parser(spec)
    const answer = await caller.call(spec, scope, {
      signal: this.signal,
      purpose: 'read',
      ...(url === undefined ? {} : { url }),
      ...(parse ? { parse } : {}),
    })
    if (!answer.failure) return answer
    const looked = answerScope(answer, settings)
    if (spec.empty && isTrue(spec.empty.evaluate(looked))) return answer
    if (mayRestart && this.isExpired(spec, looked)) {
      if (this.context.atExpiry === 'throw') throw new MarkExpired('expired')
      return 'expired'
    }
    throw answer.failure
  }

  /** Deleted records are listed as JSON, whatever the others are. */
  private parser(spec: PageSpec) {
    const { read } = this.context
    return spec === (read as PageSpec) ? rowsParser(read.as ?? 'json', read.delimiter ?? ',') : undefined
  }

  private isExpired({ expired }: PageSpec, looked: Scope): boolean {
    return expired
      ? isTrue(expired.evaluate(looked))
      : this.context.read.server_cursor !== undefined && looked.status === 410
  }

  /** The records of an answer, as they stand there. */
  found(spec: PageSpec, answer: Answer, asked: Asked): Json[] {
    const scope = { ...answerScope(answer, this.context.settings), ...this.names, page: asked.page }
    const found = listOf(spec.records.evaluate(scope))
    // An empty page is the end of a read, and what a whole read does not show is deleted.
    if (!found.length) refuseErrorInside(answer, this.context.stream.name)
    const bodies = spec === (this.context.read as PageSpec) && this.context.read.typed ? this.typed(found) : found
    return this.context.partition?.add ? bodies.map((body) => this.placed(body)) : bodies
  }

  /** Cells of CSV as what the schema says they are. */
  typed(rows: Json[]): Json[] {
    const { stream } = this.context
    return stream.typeCells ? rows.map((row) => stream.typeCells!(row)) : rows
  }

  /** A record with what `add` gives it of its partition. */
  placed(body: Json): Json {
    const { partition } = this.context
    return partition?.add && isObject(body) ? { ...(body as JsonObject), ...partition.add } : body
  }

  /** Records of the stream, or tombstones where deletions are read. */
  made(bodies: Json[]): Promise<Made> {
    const { context, names, watermark, signal } = this
    if (this.pass.phase === 'deletions' && context.read.deletions)
      return Promise.resolve(tombstonesOf(context.stream, context.read.deletions.id, bodies, names))
    const fetch = context.read.fetch_ids && ((ids: string[]) => fetchRecords(context, context.fetch!, ids, signal))
    const { fetch_ids: fetchIds, split, changes: log } = context.read
    if (log && this.pass.way === 'log') {
      const byId = (ids: string[]) => fetchRecords(context, context.fetch!, ids, signal)
      return recordsOfLog({ stream: context.stream, log, fetch: byId, names, watermark }, bodies)
    }
    return recordsOf({ stream: context.stream, fetchIds, fetch, split, names, watermark }, bodies)
  }
}
