import { transcode } from 'node:buffer'
import { type Json, type JsonObject, parseExact } from './json.ts'

/**
 * JSON that is kept as text until somebody looks into it.
 *
 * Postgres, the pipes and the wire speak UTF-8. A record that only passes through is spelled and encoded once; parsing it,
 * spelling it and encoding it again at every station would cost more than all the rest of the way.
 */
export class JsonText<T extends Json = JsonObject> {
  #bytes: Buffer | undefined
  #value: T | undefined

  private constructor(bytes: Buffer | undefined, value: T | undefined) {
    this.#bytes = bytes
    this.#value = value
  }

  /** The value must not be changed any more. */
  static of<T extends Json>(value: T): JsonText<T> {
    return new JsonText(undefined, value)
  }

  /** The text must be JSON, or `value` throws. */
  static from<T extends Json = JsonObject>(text: string | Buffer): JsonText<T> {
    return new JsonText<T>(typeof text === 'string' ? utf8Bytes(text) : text, undefined)
  }

  /** The parsed value, numbers exact. Shared: not to be changed. */
  get value(): T {
    this.#value ??= parseExact(this.#bytes!.toString()) as T
    return this.#value
  }

  get bytes(): Buffer {
    this.#bytes ??= utf8Bytes(JSON.stringify(this.#value))
    return this.#bytes
  }

  /** True for the same text: then the values are equal. Different texts may still stand for equal values. */
  sameText(other: JsonText<T>): boolean {
    return this === other || this.bytes.equals(other.bytes)
  }

  toString(): string {
    return this.#bytes ? this.#bytes.toString() : JSON.stringify(this.#value)
  }

  /** Wherever it is spelled as part of something else it is what it stands for; `spellWithTexts` does that without parsing. */
  toJSON(): unknown {
    if (!splices) return this.value
    splices.push(this)
    return MARK
  }
}

/** Stands for a text while the JSON around it is spelled. Made anew per process, so that no data can hold it. */
const MARK = `~${crypto.randomUUID()}~`
let splices: { bytes: Buffer }[] | null = null

/** `JSON.stringify` that puts the `JsonText`s inside a value in as they are. Gives bytes where there are any. */
export function spellWithTexts(value: unknown): string | Buffer {
  const found: { bytes: Buffer }[] = []
  splices = found
  let text: string
  try {
    text = JSON.stringify(value)
  } finally {
    splices = null
  }
  if (!found.length) return text
  return joinBytes(text.split(`"${MARK}"`).flatMap((piece, i) => (found[i] ? [piece, found[i].bytes] : [piece])))
}

/** Texts and bytes as one buffer. */
export function joinBytes(pieces: readonly (string | Buffer)[]): Buffer {
  let size = 0
  for (const piece of pieces) size += typeof piece === 'string' ? piece.length * 3 : piece.length
  const joined = Buffer.allocUnsafe(size)
  let at = 0
  for (const piece of pieces) at += typeof piece === 'string' ? joined.write(piece, at) : piece.copy(joined, at)
  return joined.subarray(0, at)
}

/**
 * A text as UTF-8. Node's own encoder goes character by character as soon as one of them is beyond Latin-1; the way through
 * UTF-16 is six times as fast. What is no character (half a surrogate pair) becomes U+FFFD.
 */
export function utf8Bytes(text: string): Buffer {
  return fromUtf16(Buffer.from(text, 'utf16le')) ?? Buffer.from(text)
}

function fromUtf16(units: Buffer): Buffer | undefined {
  try {
    return transcode(units, 'utf16le', 'utf8')
  } catch {
    return undefined
  }
}

const NEWLINE = 10

/** Spells values as JSON, all in one buffer, which is several times as fast as one by one. Gives a slice per value. */
export function spellAll(values: readonly unknown[]): Buffer[] {
  // JSON.stringify writes neither newlines nor half surrogate pairs.
  const texts = values.map((value) => JSON.stringify(value))
  const units = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + text.length + 1, 0) * 2)
  let written = 0
  for (const text of texts) {
    written += units.write(text, written, 'utf16le')
    written = units.writeUInt16LE(NEWLINE, written)
  }
  const bytes = fromUtf16(units)!
  let at = 0
  return texts.map(() => {
    const end = bytes.indexOf(NEWLINE, at)
    const slice = bytes.subarray(at, end)
    at = end + 1
    return slice
  })
}
