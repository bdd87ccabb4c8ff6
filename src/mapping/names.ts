/** Where the names that a mapping file gives (joins, value tables) stand: where they are defined, and wherever they are used. */
import type { Place, YamlFile } from '../core/index.ts'
import { type AstNode, childrenOf, tokenStart } from '../expression/index.ts'
import { literalOf } from './check/facts.ts'
import type { Mapping } from './read.ts'
import type { TestCase } from './schema.ts'

export type NameUse = {
  kind: 'join' | 'table'
  name: string
  /** Of the name itself, behind a `$` or a quote. */
  place: Place
}

/** In the order of the file as far as kinds go: definitions, expressions, tests. A local variable that hides a join is none. */
export function nameUses({ content, yaml, expressions, definition }: Mapping): NameUse[] {
  const joins = definition.joins.map(({ name }) => name)
  const keys = (kind: NameUse['kind'], under: string, names: readonly string[]) =>
    names.map((name): NameUse => ({ kind, name, place: keyPlace(yaml, [under], name) }))
  const used = expressions.flatMap(({ text, compiled }) => {
    const at = (offset: number): Place => yaml.placeInScalar(text.path, offset)
    return [
      ...compiled.analysis.variables
        .filter(({ name }) => joins.includes(name))
        .map(({ name, offset }): NameUse => ({ kind: 'join', name, place: at(offset + 1) })),
      ...tableNames(compiled.ast, compiled.source).map(
        ({ name, offset }): NameUse => ({ kind: 'table', name, place: at(offset) }),
      ),
    ]
  })
  return [
    ...keys('join', 'with', joins),
    ...keys('table', 'tables', Object.keys(content.tables ?? {})),
    ...used,
    ...testUses(content.tests, yaml),
  ]
}

/** Joins for which tests give data. */
export const testUses = (tests: readonly TestCase[] | undefined, yaml: YamlFile): NameUse[] =>
  (tests ?? []).flatMap((test, i) =>
    Object.keys(test.given?.with ?? {}).map((name): NameUse => {
      return { kind: 'join', name, place: keyPlace(yaml, ['tests', i, 'given', 'with'], name) }
    }),
  )

/** A key may be written in quotes. */
function keyPlace(yaml: YamlFile, path: (string | number)[], name: string): Place {
  const place = yaml.placeOfKey(path, name)
  const line = yaml.text.split('\n')[(place.line ?? 1) - 1] ?? ''
  return /["']/.test(line[(place.column ?? 1) - 1] ?? '') ? { ...place, column: place.column! + 1 } : place
}

/** Tables named by a plain text in `$table(…)`, with the offset behind the quote. */
function tableNames(node: AstNode, source: string): { name: string; offset: number }[] {
  const [first] = node.arguments ?? []
  const name = node.type === 'function' && node.procedure?.value === 'table' ? literalOf(first) : undefined
  const own =
    typeof name === 'string' && first?.type === 'string' ? [{ name, offset: tokenStart(first, source) + 1 }] : []
  return [...own, ...childrenOf(node).flatMap((child) => tableNames(child, source))]
}
