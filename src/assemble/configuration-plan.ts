/** What differs between what the hub works with and what it is to work with. */
import { structuredPatch } from 'diff'
import type { ConfigurationChange, ConfigurationPlan, PlannedItem } from '../http/index.ts'

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
