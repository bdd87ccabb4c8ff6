/** Bytes of a file that go on after a cut: the stream is opened anew where the last one ended. */
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { asCausewayError, backoffMs, CausewayError } from '../../core/index.ts'
import type { ContentStream, OpenedContent } from '../contract.ts'
import { withSameBeginning } from './same-bytes.ts'

/** Failures of the way, not of the file. */
const PASSING = new Set(['CSW-3001', 'CSW-3002', 'CSW-3005', 'CSW-3006', 'CSW-3007'])
/** How often it is opened anew without a single byte arriving in between. */
const ATTEMPTS = 3
const BACKOFF = { baseMs: 200, capMs: 5_000 }

type Again = { from: number; validator?: string }
type Open = (again: Again) => Promise<OpenedContent>

/** Opens content so that a cut in the middle is no failure. It ends with an error when fewer bytes come than were announced. */
export async function resumingContent(
  open: Open,
  { from = 0, validator, signal }: { from?: number; validator?: string; signal: AbortSignal },
): Promise<ContentStream> {
  const { from: _begin, ...first } = await openedAt(open, { from, ...(validator === undefined ? {} : { validator }) })
  const stream = Readable.from(bytesOf(first, open, from, signal), { objectMode: false })
  // Whoever gives up before reading must not leave the connection open.
  stream.once('close', () => first.stream.destroy())
  return { ...first, stream }
}

async function* bytesOf(first: ContentStream, open: Open, from: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  let reader = readerOf(first.stream)
  let at = from
  let sum = 0
  let idle = 0
  try {
    for (;;) {
      const step = await next(reader)
      if ('chunk' in step) {
        at += step.chunk.length
        if (first.validator === undefined) sum = crc32(step.chunk, sum)
        idle = 0
        // Outside of every try that reopens: what the reader of these bytes fails at is no cut of theirs.
        yield step.chunk
        continue
      }
      const error = step.error ?? shortfall(at, first.size)
      if (error === null) return
      const { code } = asCausewayError(error)
      if (!PASSING.has(code) || ++idle > ATTEMPTS || signal.aborted) throw error
      await wait(backoffMs(idle, BACKOFF), undefined, { signal }).catch(() => Promise.reject(error))
      const again =
        first.validator === undefined
          ? await readAgain(open, { from, at, sum }, error)
          : await reopened(open, { from: at, validator: first.validator }, error)
      reader = readerOf(again.stream)
    }
  } finally {
    reader.stream.destroy()
  }
}

type Reader = { stream: Readable; iterator: AsyncIterator<Buffer> }
const readerOf = (stream: Readable): Reader => ({ stream, iterator: stream[Symbol.asyncIterator]() })

async function next({ iterator }: Reader): Promise<{ chunk: Buffer } | { error: Error | null }> {
  try {
    const { value, done } = await iterator.next()
    return done ? { error: null } : { chunk: value }
  } catch (thrown) {
    return { error: thrown as Error }
  }
}

/** Why a stream that ended cannot have been all of the file, or null. */
function shortfall(at: number, size: number | undefined): CausewayError | null {
  if (size === undefined || at === size) return null
  return at < size
    ? new CausewayError('CSW-3001', { what: `The file ended after ${at} of ${size} bytes.` })
    : new CausewayError('CSW-2055', { what: `The file is longer than the ${size} bytes it was announced with.` })
}

/** Nothing tells whether the file is still the same but the bytes that were read of it, so these are read once more. */
async function readAgain(
  open: Open,
  { from, at, sum }: { from: number; at: number; sum: number },
  cut: Error,
): Promise<ContentStream> {
  const length = at - from
  const { stream } = await reopened(open, { from }, cut)
  const same = Readable.from(withSameBeginning(stream, { length, crc32: sum }, otherFile), { objectMode: false })
  return { stream: Readable.from(without(same, length), { objectMode: false }) }
}

const otherFile = (): CausewayError => new CausewayError('CSW-2055', { what: 'The file changed while it was read.' })

/** A failure to open it anew counts like another cut. */
async function reopened(open: Open, again: Again, cut: Error): Promise<ContentStream> {
  try {
    return await openedAt(open, again)
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (!PASSING.has(error.code)) throw thrown
    return { stream: Readable.from(failing(cut)) }
  }
}

// biome-ignore lint/correctness/useYield: a stream that has nothing but its error.
async function* failing(error: Error): AsyncGenerator<Buffer> {
  throw error
}

/** Content from that byte on: what a system sends before it is read and dropped. */
async function openedAt(open: Open, again: Again): Promise<OpenedContent> {
  const content = await open(again)
  const surplus = again.from - (content.from ?? 0)
  if (isOther(again.validator, content.validator)) {
    content.stream.destroy()
    throw otherFile()
  }
  if (surplus < 0) {
    content.stream.destroy()
    throw new CausewayError('CSW-3007', {
      what: `The file was asked for from byte ${again.from} on, and came from byte ${content.from}.`,
    })
  }
  return surplus > 0
    ? { ...content, stream: Readable.from(without(content.stream, surplus), { objectMode: false }) }
    : content
}

/** Apache calls an ETag weak for a second and strong from then on: the mark does not make it another one. */
export const isOther = (before: string | undefined, now: string | undefined): boolean =>
  before !== undefined && now !== undefined && before.replace(/^W\//, '') !== now.replace(/^W\//, '')

async function* without(stream: Readable, surplus: number): AsyncGenerator<Buffer> {
  let left = surplus
  for await (const chunk of stream) {
    const bytes = chunk as Buffer
    if (bytes.length > left) yield left > 0 ? bytes.subarray(left) : bytes
    left = Math.max(0, left - bytes.length)
  }
}
