/** vCards as an address book stores and searches them (RFC 2426, 6350, 6352 section 5.1). */
import { Refusal } from '../problem.ts'
import type { CardFilter } from './dav.ts'

/** Texts of a card by property, in the order they stand there; escapes are taken out, structured values stay one text. */
type Card = Record<string, string[]>

const invalid = (message: string): Refusal => new Refusal('invalid', { reason: 'card', field: 'card', message })

/** Reads a card. Throws a refusal where it is not one that an address book may store. */
export function vcardOf(text: unknown): Card {
  if (typeof text !== 'string') throw invalid('there is no card')
  if (/(?<!\r)\n/.test(text)) throw invalid('lines of a card end in CR LF')
  const lines = text.replace(/\r\n[ \t]/g, '').split('\r\n')
  if (lines.pop() !== '' || lines[0] !== 'BEGIN:VCARD' || lines.at(-1) !== 'END:VCARD')
    throw invalid('it is no single card')
  if (text.split('\r\n').some((line) => Buffer.byteLength(line) > 75)) throw invalid('a line is longer than 75 bytes')
  const card: Card = {}
  for (const line of lines.slice(1, -1)) {
    const [, name, value] = /^(?:[\w-]+\.)?([\w-]+)(?:;(?:"[^"]*"|[^":])*)?:(.*)$/.exec(line) ?? []
    if (name === undefined || /^(BEGIN|END)$/i.test(name))
      throw invalid(`it holds a line that is none of a card: ${line}`)
    card[name.toUpperCase()] ??= []
    card[name.toUpperCase()]!.push(value!.replace(/\\([nN])|\\(.)/g, (_, end, sign) => (end ? '\n' : sign)))
  }
  const count = (name: string) => card[name]?.length ?? 0
  const [version = ''] = card.VERSION ?? []
  if (count('VERSION') !== 1 || !['3.0', '4.0'].includes(version)) throw invalid('its version is not 3.0 or 4.0')
  if (count('FN') < 1 || (version === '3.0' && count('N') !== 1)) throw invalid('it has no name')
  if (count('UID') !== 1) throw invalid('it has no UID')
  return card
}

/** Whether a card is what a query asks for; texts compare without regard to case. */
export function vcardMatches(card: Card, filter: CardFilter): boolean {
  const holds = ({ name, matches }: CardFilter['properties'][number]) => {
    const texts = card[name] ?? []
    if (matches.length === 0) return texts.length > 0
    return matches.some(({ text, how, negate }) => texts.some((one) => compared(one, text, how)) !== negate)
  }
  return filter.all ? filter.properties.every(holds) : filter.properties.some(holds)
}

function compared(given: string, wanted: string, how: string): boolean {
  const [text, part] = [given.toLowerCase(), wanted.toLowerCase()]
  if (how === 'equals') return text === part
  if (how === 'starts-with') return text.startsWith(part)
  return how === 'ends-with' ? text.endsWith(part) : text.includes(part)
}
