/** What changed in the files since what the hub works with. */
import type { MappingComparison } from '../http/index.ts'
import { paint, type Style } from './output.ts'
import { printable } from './printable.ts'

export type PlannedItem = {
  kind: 'connection' | 'sync'
  name: string
  fields: Record<string, string>
  /** Of a sync: the text of its mapping. */
  source: string | null
}
export type ConfigurationChange = {
  kind: PlannedItem['kind']
  name: string
  change: 'added' | 'changed' | 'removed'
  /** Null where a field is not there on one side. */
  fields: { field: string; before: string | null; after: string | null }[]
  /** Of a changed mapping: both texts over the recorded inputs. */
  effect?: MappingComparison
}

/** By kind and name, connections first. Fields are listed of what changed only. */
export function configurationChanges(
  before: readonly PlannedItem[],
  after: readonly PlannedItem[],
): ConfigurationChange[] {
  const key = ({ kind, name }: PlannedItem): string => `${kind} ${name}`
  const [old, young] = [before, after].map((items) => new Map(items.map((item) => [key(item), item])))
  return [...new Set([...old!.keys(), ...young!.keys()])].sort().flatMap((one): ConfigurationChange[] => {
    const [was, is] = [old!.get(one), young!.get(one)]
    const { kind, name } = (is ?? was)!
    if (!was || !is) return [{ kind, name, change: was ? 'removed' : 'added', fields: [] }]
    const fields = fieldChanges(was.fields, is.fields)
    return fields.length > 0 ? [{ kind, name, change: 'changed', fields }] : []
  })
}

function fieldChanges(was: Record<string, string>, is: Record<string, string>): ConfigurationChange['fields'] {
  const value = (fields: Record<string, string>, field: string): string | null =>
    Object.hasOwn(fields, field) ? fields[field]! : null
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((field) => ({ field, before: value(was, field), after: value(is, field) }))
    .filter(({ before, after }) => before !== after)
}

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
    ...changes.map(({ kind, name, change, fields, effect }) => {
      const [mark, style] = MARKS[change]
      return [
        `${paint(style, mark)} ${kind} ${name}`,
        ...fields.map(({ field, before, after }) => `    ${field}: ${shown(before)} → ${shown(after)}`),
        ...(effect ? [effectText(effect)] : []),
      ].join('\n')
    }),
  ].join('\n')
}

/** Digests say that something changed and nothing else; versions are told apart by their beginning. */
const shown = (text: string | null): string => {
  if (text === null) return 'nothing'
  if (text.startsWith('#')) return '(not shown)'
  return printable(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

function effectText({ records, changed, fields, outcomes, notKept, truncated }: MappingComparison): string {
  const listed = [
    ...fields.map(({ field, count }) => `${field} (${count})`),
    ...Object.entries(outcomes).map(([outcome, count]) => `${outcome} (${count})`),
  ]
  const left = notKept > 0 ? `; ${notKept} whose body is not kept left out` : ''
  const of = `${records} recorded inputs${truncated ? ' looked at' : ''}`
  return `    ${changed} of ${of} come out differently${listed.length ? `: ${printable(listed.join(', '))}` : ''}${left}`
}
