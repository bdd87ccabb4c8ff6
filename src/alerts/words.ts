/** A message in words: the same for all channels, which only dress it. */
import type { Message, Subject, Turn } from './contract.ts'

export type Words = {
  headline: string
  tone: 'bad' | 'good' | 'plain'
  paragraphs: string[]
  facts: [name: string, value: string][]
  link: string | null
}

const BEGINS: Record<Turn, string> = { opened: '', reopened: 'Again: ', recovered: 'Over: ' }
const LISTED = 10

/** `publicUrl`: where the page is, for the link; null where the hub has no address. */
export function wordsOf(message: Message, publicUrl: string | null): Words {
  const link = (path: string): string | null => (publicUrl === null ? null : `${publicUrl.replace(/\/$/, '')}${path}`)
  if (message.change === 'test')
    return {
      headline: 'Causeway: a test',
      tone: 'plain',
      paragraphs: [`${message.actor} asked for this message. Alerts of this route come here.`],
      facts: [],
      link: link('/'),
    }
  if (message.change === 'digest') {
    const worst = message.items.some(({ change }) => change !== 'recovered')
    const shown = message.items.slice(0, LISTED).map(({ change, subject }) => `${BEGINS[change]}${subject.title}`)
    const more = message.total - shown.length
    return {
      headline: `Causeway: ${message.total} things at once`,
      tone: worst ? 'bad' : 'good',
      paragraphs: [...shown, ...(more > 0 ? [`and ${more} more`] : [])],
      facts: [],
      link: link('/'),
    }
  }
  const { change, subject } = message
  const over = change === 'recovered'
  return {
    headline: `${BEGINS[change]}${subject.title}`,
    tone: over ? 'good' : 'bad',
    paragraphs: over ? [] : [subject.meaning, subject.action].filter(Boolean),
    facts: factsOf(subject),
    link: link(subject.path),
  }
}

function factsOf(subject: Subject): [string, string][] {
  const facts: [string, string | null][] = [
    ['Code', subject.code],
    ['Connection', subject.connection],
    ['Syncs', some(subject.syncs)],
    ['Streams', some(subject.streams)],
    ['Since', subject.since],
  ]
  return facts.filter((fact): fact is [string, string] => fact[1] !== null)
}

const some = (names: readonly string[]): string | null =>
  names.length === 0
    ? null
    : names.length > LISTED
      ? `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`
      : names.join(', ')
