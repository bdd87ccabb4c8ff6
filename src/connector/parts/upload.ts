/**
 * Sends a file in parts, so that neither a cut connection nor a killed hub costs more than the part under way. What a target
 * must be able to do is in `UploadTarget`; how it says so is the business of its protocol.
 */
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { asCausewayError, backoffMs, CausewayError, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { ContentStream } from '../contract.ts'
import { isOther } from './resuming.ts'
import { withSameBeginning } from './same-bytes.ts'
import { type DigestName, partsOf, type Sums, type UploadPart } from './upload-parts.ts'
import type { UploadStore } from './upload-store.ts'

/** What the end of an upload is judged by. */
export type UploadSummary = { size: number; crc32: number; digest: Buffer | null }

type PartAnswer<T> = {
  /** How many bytes the target holds now, where it says so. */
  offset?: number
  /** What the end of the upload needs of this answer. */
  keep?: Json
  /** The answer to the last part, where that ends the upload. */
  done?: T
}

export type UploadTarget<T> = {
  /** Bytes of each part but the last. */
  partSize(session: JsonObject): number
  /** Begins an upload; what it gives is kept, and handed to all other calls. */
  start(content: ContentStream): Promise<JsonObject>
  send(session: JsonObject, part: UploadPart, summary: UploadSummary, content: ContentStream): Promise<PartAnswer<T>>
  /** What the target holds; null when it knows the upload no more. Absent: the last part that was answered for counts. */
  progress?: ((session: JsonObject, kept: State) => Promise<Held<T> | null>) | undefined
  /** Makes a file of the parts. Absent: the last part does. */
  commit?:
    | ((session: JsonObject, parts: Json[], summary: UploadSummary, content: ContentStream) => Promise<T>)
    | undefined
}

/** What a target has of an upload; `done` where it is complete already. */
type Held<T> = { offset: number; parts?: Json[]; done?: T }

export type UploadOptions = {
  /** Names the upload; the same for every attempt at the same record. */
  key: string
  digest?: DigestName | undefined
  store: UploadStore
  attempts: number
  signal: AbortSignal
}

/** What is known of the file besides its bytes. */
type FileFacts = Omit<ContentStream, 'stream'>
/** An upload as it is kept between attempts. */
export type State = {
  session: JsonObject
  offset: number
  parts: Json[]
  crc32: number
  file: FileFacts
  /** Set before what may complete the file is sent: an upload that is gone then may have become the file. */
  ending?: true
}

/** Failures that going on from the last part may mend. */
const PASSING = new Set(['CSW-3001', 'CSW-3002', 'CSW-3005', 'CSW-3006', 'CSW-3007', 'CSW-3017'])
const BACKOFF = { baseMs: 300, capMs: 20_000 }
/** How often an upload that the target forgot is begun again. */
const RESTARTS = 2

/** Uploads what `open` gives, going on where an earlier attempt with the same key ended. */
export async function uploadInParts<T>(
  open: (from: number) => Promise<ContentStream>,
  target: UploadTarget<T>,
  options: UploadOptions,
): Promise<T> {
  const { store, key } = options
  let before = -1
  for (let failures = 0, restarts = 0; ; ) {
    try {
      const done = await new Pass(open, target, options).run()
      await store.remove(key)
      return done
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (isLost(thrown) && restarts++ < RESTARTS) {
        await store.remove(key)
        continue
      }
      const { offset } = stateOf(await store.load(key)) ?? { offset: 0 }
      // An attempt that brought parts across was none in vain.
      if (offset > before) failures = 0
      before = offset
      if (!PASSING.has(error.code) || ++failures >= options.attempts || options.signal.aborted) throw thrown
      const ms = error.retryAfterMs ?? backoffMs(failures, BACKOFF)
      await wait(ms, undefined, { signal: options.signal }).catch(() => Promise.reject(error))
    }
  }
}

/** The target knows nothing of the upload any more: it took too long, or somebody else ended it. */
export const lostUpload = (what: string): CausewayError =>
  new CausewayError('CSW-3021', { what: `${what} The upload begins anew.` })
const isLost = (thrown: unknown): boolean => thrown instanceof CausewayError && thrown.code === 'CSW-3021'

/** From opening the source to the end of the upload, or to the first failure. */
class Pass<T> {
  private readonly open: (from: number) => Promise<ContentStream>
  private readonly target: UploadTarget<T>
  private readonly options: UploadOptions

  constructor(open: (from: number) => Promise<ContentStream>, target: UploadTarget<T>, options: UploadOptions) {
    this.open = open
    this.target = target
    this.options = options
  }

  async run(): Promise<T> {
    const { store, key, digest } = this.options
    const kept = stateOf(await store.load(key))
    const held = kept ? await this.held(kept) : null
    if (held && 'done' in held && held.done !== undefined) return held.done
    const resumes = kept !== null && held !== null
    // A digest cannot be taken up again, so all bytes are read once more, though not sent. So they are where only they can tell whether the
    // file is still the same.
    const unmarked = resumes && kept.file.validator === undefined
    const from = resumes && digest === undefined && !unmarked && held.offset >= kept.offset ? kept.offset : 0
    const opened = await this.source(from, resumes ? kept.file : {})
    const content = unmarked ? { ...opened, stream: sameAs(kept, opened.stream) } : opened
    try {
      if (resumes && isOtherFile(kept.file, content)) throw otherFile()
      const state: State = resumes
        ? { ...kept, offset: held.offset, parts: held.parts ?? kept.parts }
        : await this.begun(content)
      return await this.send(state, content, { from, crc32: from === 0 ? 0 : kept!.crc32 })
    } finally {
      content.stream.destroy()
      opened.stream.destroy()
    }
  }

  /** Nothing is left to be read of a file that was sent to its end. */
  private source(from: number, file: FileFacts): Promise<ContentStream> {
    return from > 0 && from === file.size ? Promise.resolve({ ...file, stream: Readable.from([]) }) : this.open(from)
  }

  /** What of a started upload the target has; null where it has to begin again. */
  private async held(kept: State): Promise<Held<T> | null> {
    const { progress } = this.target
    if (!progress) return { offset: kept.offset }
    const held = await progress.call(this.target, kept.session, kept)
    if (held !== null) return held
    await this.options.store.remove(this.options.key)
    if (kept.ending) throw inDoubt('the target knows the upload no more; it may have become the file')
    return null
  }

  private async begun(content: ContentStream): Promise<State> {
    const { stream: _bytes, ...file } = content
    const state: State = { session: await this.target.start(content), offset: 0, parts: [], crc32: 0, file }
    await this.options.store.save(this.options.key, state as unknown as JsonObject)
    return state
  }

  private async send(state: State, content: ContentStream, start: { from: number; crc32: number }): Promise<T> {
    const { digest, store, key } = this.options
    const partSize = this.target.partSize(state.session)
    let summary: UploadSummary = { size: state.offset, crc32: start.crc32, digest: null }
    const number = Math.max(state.parts.length, Math.ceil(state.offset / partSize)) + 1
    const cut = { ...start, begin: state.offset, partSize, number, digest, size: content.size }
    for await (const { sums, ...part } of partsOf(content.stream, cut)) {
      const end = part.first + part.bytes.length
      summary = { size: end, ...summed(sums) }
      // Sent as the last part, a file that ended early would pass for a whole one.
      if (part.isLast) assertWhole(end, content.size)
      if (part.isLast && !this.target.commit) await store.save(key, { ...state, ending: true } as unknown as JsonObject)
      const answer = await this.target.send(state.session, part, summary, content)
      if (answer.done !== undefined) return answer.done
      // A target that took less of it than was sent is asked again, from there on.
      if (answer.offset !== undefined && answer.offset !== end) throw short(answer.offset, end)
      if (answer.keep !== undefined) state.parts.push(answer.keep)
      state.offset = end
      state.crc32 = summary.crc32
      await store.save(key, state as unknown as JsonObject)
    }
    assertWhole(summary.size, content.size)
    if (this.target.commit) {
      await store.save(key, { ...state, ending: true } as unknown as JsonObject)
      return this.target.commit(state.session, state.parts, summary, content)
    }
    await store.remove(key)
    throw inDoubt('all parts were sent, but the target did not say that it is done')
  }
}

const otherFile = (): CausewayError => lostUpload('The file changed since its upload began.')

const sameAs = ({ offset, crc32 }: State, stream: Readable): Readable =>
  Readable.from(withSameBeginning(stream, { length: offset, crc32 }, otherFile), { objectMode: false })

const summed = ({ crc32, digest }: Sums) => ({ crc32, digest: digest?.() ?? null })

const inDoubt = (why: string): CausewayError =>
  new CausewayError('CSW-3012', { what: `The end of an upload is in doubt: ${why}.` })

function assertWhole(got: number, size: number | undefined): void {
  if (size !== undefined && got !== size)
    throw new CausewayError('CSW-3001', { what: `The file ended after ${got} of ${size} bytes.` })
}

const isOtherFile = (before: FileFacts, now: FileFacts): boolean =>
  isOther(before.validator, now.validator) ||
  (before.size !== undefined && now.size !== undefined && before.size !== now.size)

const short = (offset: number, end: number): CausewayError =>
  new CausewayError('CSW-3006', { what: `The target holds ${offset} bytes of the upload where ${end} were sent.` })

/** A stored state; what is not one counts as none. */
function stateOf(stored: JsonObject | null): State | null {
  if (!stored || !isObject(stored.session) || typeof stored.offset !== 'number') return null
  return {
    session: stored.session,
    offset: stored.offset,
    parts: Array.isArray(stored.parts) ? [...stored.parts] : [],
    crc32: Number(stored.crc32 ?? 0),
    file: isObject(stored.file) ? (stored.file as FileFacts) : {},
    ...(stored.ending === true ? { ending: true } : {}),
  }
}
