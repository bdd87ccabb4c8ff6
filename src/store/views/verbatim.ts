import { randomBytes } from 'node:crypto'
import { isObject, withoutWords } from '../../core/index.ts'

/**
 * JSON text that goes into an answer as it stands in its table. Parsing and printing it again would respell 9223372036854775807,
 * 0.10 and 1e400, reorder keys that look like integers and drop the first of two equal keys.
 */
export class Verbatim {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Wraps JSON text from a column; null stays null, and text that is no JSON becomes a JSON string. */
export function verbatim(text: string): Verbatim
export function verbatim(text: string | null): Verbatim | null
export function verbatim(text: string | null): Verbatim | null {
  if (text === null) return null
  try {
    JSON.parse(text)
    return new Verbatim(text)
  } catch {
    return new Verbatim(JSON.stringify(text))
  }
}

/** What may quote a record. Printed as `withheld` wherever an answer is not marked as one to somebody who may read records. */
abstract class Guarded extends Verbatim {
  abstract get withheld(): string
}

/** An error as it is stored: without what a system or record said its code, meaning, status and advice are left. */
class StoredError extends Guarded {
  get withheld(): string {
    const value: unknown = JSON.parse(this.text)
    return JSON.stringify(withoutWords(isObject(value) ? value : {}))
  }
}

/** What a system gave us to give back, whatever is in it. */
class Opaque extends Guarded {
  readonly withheld = 'null'
}

/** JSON text from a column that only readers of records see; for others it is null. */
export const verbatimOpaque = (text: string | null): Verbatim | null =>
  text === null ? null : new Opaque(verbatim(text).text)

/** Errors are stored as the JSON of `CausewayError`; older or foreign text is wrapped so that readers always find an object. */
export function verbatimError(text: string | null): Verbatim | null {
  if (text === null) return null
  const isJson = text.trimStart().startsWith('{')
  return new StoredError(isJson ? verbatim(text).text : JSON.stringify({ what: text }))
}

/** An answer to somebody who may read records, and so what systems said of them. */
export class MayQuote {
  readonly answer: unknown
  constructor(answer: unknown) {
    this.answer = answer
  }
}

/** `JSON.stringify`, with every `Verbatim` spliced in as text; what may quote a record only in what is marked as `MayQuote`. */
export function stringifyVerbatim(given: unknown): string {
  const quotes = given instanceof MayQuote
  const pieces: string[] = []
  // A mark nobody can have put into the data, because it is drawn anew for each answer.
  let mark = ''
  const json = JSON.stringify(quotes ? given.answer : given, (_key, item: unknown) => {
    if (!(item instanceof Verbatim)) return item
    mark ||= randomBytes(12).toString('hex')
    return `${mark}:${pieces.push(item instanceof Guarded && !quotes ? item.withheld : item.text) - 1}`
  })
  if (!pieces.length) return json
  return json.replace(new RegExp(`"${mark}:(\\d+)"`, 'g'), (_match, index: string) => pieces[Number(index)]!)
}
