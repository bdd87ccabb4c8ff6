import { randomBytes } from 'node:crypto'

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

/** Errors are stored as the JSON of `CausewayError`; older or foreign text is wrapped so that readers always find an object. */
export function verbatimError(text: string | null): Verbatim | null {
  if (text === null) return null
  return text.trimStart().startsWith('{') ? verbatim(text) : new Verbatim(JSON.stringify({ what: text }))
}

/** `JSON.stringify`, with every `Verbatim` spliced in as text. */
export function stringifyVerbatim(value: unknown): string {
  const pieces: string[] = []
  // A mark nobody can have put into the data, because it is drawn anew for each answer.
  let mark = ''
  const json = JSON.stringify(value, (_key, item: unknown) => {
    if (!(item instanceof Verbatim)) return item
    mark ||= randomBytes(12).toString('hex')
    return `${mark}:${pieces.push(item.text) - 1}`
  })
  if (!pieces.length) return json
  return json.replace(new RegExp(`"${mark}:(\\d+)"`, 'g'), (_match, index: string) => pieces[Number(index)]!)
}
