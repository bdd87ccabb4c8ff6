import { utf8Bytes } from '../../core/index.ts'

/**
 * What travels over the pipe: length (4 bytes), kind (1 byte), payload. Texts are passed through as they are, so the parent
 * neither parses nor escapes a record.
 */
export const Kind = {
  /** Parent → child: a program and its digest. */
  load: 1,
  /** Parent → child: items to run through a program. */
  run: 2,
  /** Parent → child: forget all programs. */
  forget: 3,
  /** Child → parent: loaded and waiting. */
  ready: 10,
  /** Child → parent: work on this item begins now. */
  mark: 11,
  /** Child → parent: the results of a run. */
  done: 12,
} as const

export type Frame = { kind: number; payload: Buffer }

/** One item or result: small particulars, and large texts which are not looked into on the way. */
export type SandboxItem = { head: unknown; texts: readonly (string | Buffer)[] }

/**
 * What a frame of items says besides them. `about`: which program, with what options; nothing for results. `heads`: null where no item
 * has any. `texts`: how many each has, one number where they all have as many. Their lengths follow the header as four bytes each.
 */
type Header<About> = { about: About; items: number; heads: unknown[] | null; texts: number | number[] }

export function encodeFrame(kind: number, ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const frame = Buffer.allocUnsafe(5 + size)
  frame.writeUInt32LE(size + 1, 0)
  frame[4] = kind
  let at = 5
  for (const part of parts) at += part.copy(frame, at)
  return frame
}

export function encodeItems(kind: number, about: unknown, items: readonly SandboxItem[]): Buffer {
  const texts = items.flatMap((item) => item.texts.map((text) => (typeof text === 'string' ? sound(text) : text)))
  const counts = items.map((item) => item.texts.length)
  const header: Header<unknown> = {
    about,
    items: items.length,
    heads: items.some(({ head }) => (head ?? null) !== null) ? items.map(({ head }) => head ?? null) : null,
    texts: counts.every((count) => count === counts[0]) ? (counts[0] ?? 0) : counts,
  }
  const head = Buffer.from(JSON.stringify(header))
  const numbers = Buffer.allocUnsafe(4 + 4 * texts.length)
  numbers.writeUInt32LE(head.length, 0)
  for (const [i, text] of texts.entries()) numbers.writeUInt32LE(text.length, 4 + 4 * i)
  return encodeFrame(kind, numbers.subarray(0, 4), head, numbers.subarray(4), ...texts)
}

export function decodeItems<About>(payload: Buffer): { about: About; items: { head: unknown; texts: Buffer[] }[] } {
  const headEnd = 4 + payload.readUInt32LE(0)
  const { about, items, heads, texts } = JSON.parse(payload.toString('utf8', 4, headEnd)) as Header<About>
  const countOf = (i: number): number => (typeof texts === 'number' ? texts : texts[i]!)
  let lengthAt = headEnd
  let at = headEnd
  for (let i = 0; i < items; i++) at += 4 * countOf(i)
  const cut = (): Buffer => {
    const length = payload.readUInt32LE(lengthAt)
    lengthAt += 4
    at += length
    return payload.subarray(at - length, at)
  }
  return {
    about,
    items: Array.from({ length: items }, (_, i) => ({
      head: heads?.[i] ?? null,
      texts: Array.from({ length: countOf(i) }, cut),
    })),
  }
}

/** UTF-8 has no lone surrogates; inside JSON text the escape says the same. */
const sound = (text: string): Buffer =>
  utf8Bytes(
    text.isWellFormed()
      ? text
      : text.replace(/\p{Surrogate}/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )

/** Cuts a byte stream into frames, whatever the chunks it comes in. */
export class FrameReader {
  #chunks: Buffer[] = []
  #size = 0

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    const frames: Frame[] = []
    for (let frame = this.#take(); frame; frame = this.#take()) frames.push(frame)
    return frames
  }

  #take(): Frame | undefined {
    if (this.#size < 5) return undefined
    if (this.#chunks[0]!.length < 5) this.#join()
    const length = 4 + this.#chunks[0]!.readUInt32LE(0)
    if (this.#size < length) return undefined
    this.#join()
    const all = this.#chunks[0]!
    const rest = all.subarray(length)
    this.#chunks = rest.length ? [rest] : []
    this.#size = rest.length
    return { kind: all[4]!, payload: all.subarray(5, length) }
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
  }
}
