/** What the expressions of a manifest read of answers, and what values with inserts give. */
import { ANY, infer, itemOf, listOf, NONE, objectOf, scalar, type Type, union } from '../apispec/index.ts'
import { parseInserts } from '../connector/index.ts'
import { isObject, type Json, type YamlPath } from '../core/index.ts'
import type { Names, SpecRows, SpecVerdict } from './spec-rows.ts'

const STRING = scalar('string')

export class SpecExpressions {
  private readonly rows: SpecRows

  constructor(rows: SpecRows) {
    this.rows = rows
  }

  /** Reads an expression; every member of an answer or a record it names becomes a row. */
  expression(source: Json | undefined, at: YamlPath, names: Names): Type {
    if (typeof source !== 'string') return ANY
    const { type, readings } = infer(source, names)
    for (const { path, verdict } of readings) this.reading(path, verdict, at, names)
    return type
  }

  private reading(path: string, verdict: SpecVerdict, at: YamlPath, names: Names): void {
    const [first = ''] = path.split('.')
    // Settings, headers and what we made ourselves are not the vendor's.
    if (!['response', 'record', 'result', 'error'].includes(first) || names[first] === undefined) return
    this.rows.note(at, 'read', path, verdict, verdict === 'wrong' ? 'the answer has no such member' : '')
  }

  /** What a value with inserts gives. */
  template(value: Json | undefined, at: YamlPath, names: Names): Type {
    if (typeof value === 'string') return this.text(value, at, names)
    if (Array.isArray(value))
      return listOf(union(value.map((item, index) => itemOf(this.template(item, [...at, index], names)))))
    if (isObject(value))
      return objectOf(
        Object.fromEntries(
          Object.entries(value).map(([name, item]) => [name, this.template(item as Json, [...at, name], names)]),
        ),
      )
    return value === null || value === undefined ? NONE : scalar(typeof value)
  }

  private text(value: string, at: YamlPath, names: Names): Type {
    const pieces = parseInserts(value)
    if (!Array.isArray(pieces)) return ANY
    const inserts = pieces.flatMap((piece) =>
      typeof piece === 'string' ? [] : [this.expression(piece.source, at, names)],
    )
    return pieces.length === 1 && inserts.length === 1 ? inserts[0]! : STRING
  }
}
