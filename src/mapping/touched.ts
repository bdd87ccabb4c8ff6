/** Which lines of a mapping read a field. */
import { type Place, widestPaths } from '../core/index.ts'
import { readsOf } from '../expression/index.ts'
import type { SyncDefinition } from './contract.ts'
import { mappingOf } from './read.ts'

export type TouchedLine = { key: string; expression: string; place: Place }

/**
 * The expressions of a sync that read a field of its source (`join` null) or of a joined stream, or something within it, or all
 * of what it stands in. Those that read whole records are named only where no other does.
 */
export function linesReading(sync: SyncDefinition, field: string, join: string | null): TouchedLine[] {
  const { expressions, yaml } = mappingOf(sync)
  const reading = expressions.flatMap(({ text, compiled }) => {
    const paths = widestPaths(readsOf(compiled.ast).get(join ?? '') ?? []).map((path) => path.join('.'))
    const hits = paths.filter((path) => path === '' || isWithin(path, field) || isWithin(field, path))
    if (!hits.length) return []
    const line = {
      key: text.path.join('.'),
      expression: text.source,
      place: { ...yaml.placeOf(text.path), file: sync.file },
    }
    return [{ line, whole: hits.every((path) => path === '') }]
  })
  const named = reading.filter(({ whole }) => !whole)
  return (named.length ? named : reading).map(({ line }) => line)
}

const isWithin = (path: string, other: string): boolean => path === other || path.startsWith(`${other}.`)
