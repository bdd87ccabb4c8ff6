/** A plan of the configuration as people read it. */
import type { ConfigurationChange, MappingEffect } from '../http/index.ts'
import { paint, type Style } from './output.ts'
import { printable } from './printable.ts'

const MARKS: Record<ConfigurationChange['change'], [string, Style]> = {
  added: ['+', 'green'],
  changed: ['~', 'yellow'],
  removed: ['-', 'red'],
}

export function configurationText(changes: readonly ConfigurationChange[]): string {
  if (changes.length === 0) return 'Configuration: the hub works with what the files say.'
  const count = (change: ConfigurationChange['change']): string =>
    `${changes.filter((one) => one.change === change).length} ${change}`
  return [
    `Configuration: ${count('added')}, ${count('changed')}, ${count('removed')}`,
    ...changes.map(changeText),
  ].join('\n')
}

function changeText({ kind, name, change, fields, patch, effect }: ConfigurationChange): string {
  const [mark, style] = MARKS[change]
  // Of what is new, the fields that tell it apart; all others are those of every item.
  const told =
    change === 'changed' ? fields : fields.filter(({ field }) => change === 'added' && TELLING.includes(field))
  return [
    `${paint(style, mark)} ${kind} ${name}`,
    ...told.flatMap(({ field, before, after }) => [
      `    ${field}: ${change === 'changed' ? `${shown(before)} → ` : ''}${shown(after)}`,
      ...(patch && OF_TEXT.includes(field) ? patch.split('\n').map(patchLine) : []),
    ]),
    ...(effect ? [effectText(effect)] : []),
  ].join('\n')
}

/** Fields that stand for the text of their item, whose lines follow. */
const OF_TEXT = ['mapping', 'manifest', 'matching']
const TELLING = ['connector', 'from', 'to', 'records', 'schedule']

const patchLine = (line: string): string => {
  const text = `      ${printable(line)}`
  const style = PATCH_STYLES[line[0] ?? '']
  return style ? paint(style, text) : text
}
const PATCH_STYLES: Record<string, Style> = { '+': 'green', '-': 'red', '@': 'dim' }

/** Digests say that something changed and nothing else; versions are told apart by their beginning. */
const shown = (text: string | null): string => {
  if (text === null) return 'nothing'
  if (text.startsWith('#')) return '(not shown)'
  return printable(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

function effectText({ records, changed, fields, outcomes, notKept, truncated }: MappingEffect): string {
  const listed = [
    ...fields.map(({ field, count }) => `${field} (${count})`),
    ...Object.entries(outcomes).map(([outcome, count]) => `${outcome} (${count})`),
  ]
  const left = notKept > 0 ? `; ${notKept} whose body is not kept left out` : ''
  const of = `${records} recorded inputs${truncated ? ' looked at' : ''}`
  return `    ${changed} of ${of} come out differently${listed.length ? `: ${printable(listed.join(', '))}` : ''}${left}`
}
