/** Cells of CSV as the values they stand for, as the schema of the stream says. */
import { isObject, type Json, type JsonObject, parseExact } from '../../core/index.ts'

type Kind = 'number' | 'boolean'

/** Changes rows in place: they were read a moment ago and belong to nobody else. A cell that is not what it should be stays text. */
export class CellTyper {
  private readonly kinds = new Map<string, Kind>()

  constructor(schema: JsonObject | undefined) {
    const properties = isObject(schema?.properties) ? (schema.properties as JsonObject) : {}
    for (const [name, property] of Object.entries(properties)) {
      const kind = kindOf(isObject(property) ? (property as JsonObject).type : undefined)
      if (kind) this.kinds.set(name, kind)
    }
  }

  type(row: Json): Json {
    if (!isObject(row)) return row
    const cells = row as JsonObject
    for (const [name, cell] of Object.entries(cells)) {
      if (cell === '') cells[name] = null
      else if (typeof cell === 'string' && this.kinds.has(name)) cells[name] = typedValue(cell, this.kinds.get(name)!)
    }
    return cells
  }
}

/** Where a field may be text, it is text: what looks like a number there need not be one. */
function kindOf(type: Json | undefined): Kind | undefined {
  const types = Array.isArray(type) ? type : [type]
  if (types.includes('string')) return undefined
  if (types.includes('boolean')) return 'boolean'
  return types.includes('number') || types.includes('integer') ? 'number' : undefined
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function typedValue(cell: string, kind: Kind): Json {
  if (kind === 'number') return NUMBER.test(cell) ? parseExact(cell) : cell
  return /^true$/i.test(cell) ? true : /^false$/i.test(cell) ? false : cell
}
