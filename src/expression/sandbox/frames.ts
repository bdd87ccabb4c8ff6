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

/** What a frame of items says besides them: which program, with what options. Nothing for results. */
type Header<About> = { about: About; heads: unknown[]; lengths: number[][] }

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
  const texts = items.map((item) => item.texts.map((text) => (typeof text === 'string' ? sound(text) : text)))
  const header: Header<unknown> = {
    about,
    heads: items.map(({ head }) => head ?? null),
    lengths: texts.map((some) => some.map((text) => text.length)),
  }
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32LE(head.length)
  return encodeFrame(kind, length, head, ...texts.flat())
}

export function decodeItems<About>(payload: Buffer): { about: About; items: { head: unknown; texts: Buffer[] }[] } {
  const headEnd = 4 + payload.readUInt32LE(0)
  const { about, heads, lengths } = JSON.parse(payload.toString('utf8', 4, headEnd)) as Header<About>
  let at = headEnd
  const cut = (length: number): Buffer => {
    at += length
    return payload.subarray(at - length, at)
  }
  return { about, items: heads.map((head, i) => ({ head, texts: lengths[i]!.map(cut) })) }
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
