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

/** One item as the parent hands it over: small particulars and large texts, which are not looked into. */
export type SandboxItem = { head: unknown; texts: string[] }

export type RunHeader = { digest: string; options: unknown; heads: unknown[]; lengths: number[][] }

export function encodeFrame(kind: number, ...parts: (string | Buffer)[]): Buffer {
  let size = 0
  for (const part of parts) size += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  const frame = Buffer.allocUnsafe(5 + size)
  frame.writeUInt32LE(size + 1, 0)
  frame[4] = kind
  let at = 5
  for (const part of parts) at += typeof part === 'string' ? frame.write(part, at) : part.copy(frame, at)
  return frame
}

export function encodeRun(digest: string, options: unknown, items: SandboxItem[]): Buffer {
  const texts: string[] = []
  const header: RunHeader = { digest, options, heads: [], lengths: [] }
  for (const item of items) {
    const sound = item.texts.map(escapeLoneSurrogates)
    texts.push(...sound)
    header.heads.push(item.head)
    header.lengths.push(sound.map((text) => text.length))
  }
  const head = JSON.stringify(header)
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32LE(Buffer.byteLength(head))
  return encodeFrame(Kind.run, length, head, texts.join(''))
}

export function decodeRun(payload: Buffer): { header: RunHeader; texts: string[][] } {
  const headEnd = 4 + payload.readUInt32LE(0)
  const header = JSON.parse(payload.toString('utf8', 4, headEnd)) as RunHeader
  const all = payload.toString('utf8', headEnd)
  let at = 0
  // Lengths count UTF-16 units, so the whole text is decoded once and cut as a string.
  const texts = header.lengths.map((lengths) =>
    lengths.map((length) => {
      at += length
      return all.slice(at - length, at)
    }),
  )
  return { header, texts }
}

/** UTF-8 has no lone surrogates; inside JSON text the escape says the same. */
const escapeLoneSurrogates = (text: string): string =>
  text.isWellFormed()
    ? text
    : text.replace(/\p{Surrogate}/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

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
