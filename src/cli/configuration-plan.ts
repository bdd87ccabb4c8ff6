/** What changed in the files since what the hub works with. */
import { structuredPatch } from 'diff'
import type { MappingComparison, PlannedBasis, PlannedItem } from '../http/index.ts'
import { paint, type Style } from './output.ts'
import { printable } from './printable.ts'
import type { RollBack } from './roll-back-plan.ts'

export type ConfigurationChange = {
  kind: PlannedItem['kind']
  name: string
  change: 'added' | 'changed' | 'removed'
  /** Null where a field is not there on one side. */
  fields: { field: string; before: string | null; after: string | null }[]
  /** Of a changed mapping or manifest: the lines that differ, with some around them, as `diff -u` writes them. */
  patch?: string
  /** Of a changed mapping: both texts over the recorded inputs. */
  effect?: MappingComparison
}
export type ConfigurationPlan = { configuration: ConfigurationChange[]; basis: PlannedBasis; rollBack?: RollBack }

/** By kind and name, connections first. */
export function configurationPlan(before: readonly PlannedItem[], after: readonly PlannedItem[]): ConfigurationPlan {
  const key = ({ kind, name }: PlannedItem): string => `${kind} ${name}`
  const [old, young] = [before, after].map((items) => new Map(items.map((item) => [key(item), item])))
  const pairs = [...new Set([...old!.keys(), ...young!.keys()])].sort().map((one) => [old!.get(one), young!.get(one)])
  return {
    configuration: pairs.flatMap(([was, is]) => changeOf(was, is)),
    basis: pairs.map(([was, is]) => {
      const { kind, name } = (is ?? was)!
      return { kind, name, before: was?.digest ?? null, after: is?.digest ?? null }
    }),
  }
}

function changeOf(was: PlannedItem | undefined, is: PlannedItem | undefined): ConfigurationChange[] {
  const { kind, name } = (is ?? was)!
  const fields = fieldChanges(was?.fields ?? {}, is?.fields ?? {})
  if (!was || !is) return [{ kind, name, change: was ? 'removed' : 'added', fields }]
  if (fields.length === 0) return []
  const of = TEXT_OF[kind]
  const patch = of && fields.some(({ field }) => field === of) ? patchOf(was.source, is.source) : ''
  return [{ kind, name, change: 'changed', fields, ...(patch ? { patch } : {}) }]
}

/** The field that stands for the text of an item. */
const TEXT_OF: Partial<Record<PlannedItem['kind'], string>> = {
  sync: 'mapping',
  connector: 'manifest',
  entity: 'matching',
}

function patchOf(was: string | null, is: string | null): string {
  if (was === null || is === null) return ''
  return structuredPatch('', '', was, is, undefined, undefined, { context: 2 })
    .hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].join('\n'),
    )
    .join('\n')
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
      ...(patch && field === TEXT_OF[kind] ? patch.split('\n').map(patchLine) : []),
    ]),
    ...(effect ? [effectText(effect)] : []),
  ].join('\n')
}

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

function effectText({ records, changed, fields, outcomes, notKept, truncated }: MappingComparison): string {
  const listed = [
    ...fields.map(({ field, count }) => `${field} (${count})`),
    ...Object.entries(outcomes).map(([outcome, count]) => `${outcome} (${count})`),
  ]
  const left = notKept > 0 ? `; ${notKept} whose body is not kept left out` : ''
  const of = `${records} recorded inputs${truncated ? ' looked at' : ''}`
  return `    ${changed} of ${of} come out differently${listed.length ? `: ${printable(listed.join(', '))}` : ''}${left}`
}
