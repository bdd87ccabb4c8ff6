/** Which line of a mapping fills which target field, and what of the source it reads. */
import type { Place } from '../core/index.ts'
import { readSoundMapping } from './read.ts'
import { leavesOf, type Template } from './template.ts'
import { isBack } from './two-way.ts'

export type FieldOrigin = {
  /** Path in the target record; empty where one expression makes the whole record. */
  field: string
  expression: string
  place: Place
  /** Paths of the source record; those of joins begin with their name: `$company.name`. */
  reads: string[]
}

/** The origins of all fields that a sync of this text fills, in the order of the file. Throws when the text is not a sound mapping. */
export function originsOf(source: string, file: string, sync: string): FieldOrigin[] {
  const { program, yaml, expressions } = readSoundMapping(source, file, undefined, isBack(sync))
  const analyses = new Map(expressions.map(({ text, compiled }) => [text.path.join('\0'), compiled.analysis]))
  return leavesOf(program.template as Template).map(({ leaf, at }) => ({
    field: at.join('.'),
    expression: leaf.source,
    place: yaml.placeOf(leaf.path),
    reads: [
      ...new Set(
        (analyses.get(leaf.path.join('\0'))?.paths ?? []).map(({ from, steps }) =>
          [...(from ? [`$${from}`] : []), ...steps.map(({ name }) => name)].join('.'),
        ),
      ),
    ],
  }))
}
