/** Between the bodies of records as they travel and as everybody else sees them. */
import type { Json, JsonObject } from '../../core/index.ts'
import type { WriteItem } from '../contract.ts'
import type { Dictionary } from '../parts/dictionary.ts'
import { CellTyper } from '../parts/typed-cells.ts'
import { type Conversions, FieldConverter } from './fields.ts'

export class BodyConverter {
  /** Names and options that only the system knows; set before the first record of the stream is read or written. */
  dictionary: Dictionary | null = null
  private readonly fields: FieldConverter | null
  private typer: { of: Dictionary | null; cells: CellTyper } | null = null

  constructor(fields: Conversions | undefined) {
    this.fields = fields ? new FieldConverter(fields) : null
  }

  get idle(): boolean {
    return this.fields === null && this.dictionary === null
  }

  /** A body as it was received, in words of records; the one given may be changed. */
  read(body: JsonObject): JsonObject {
    const named = this.dictionary?.read(body) ?? body
    this.fields?.read(named)
    return named
  }

  /** A row of CSV with values instead of texts, as the schema of the stream and what the system says of its fields have them. */
  typeCells(row: Json, schema: JsonObject | undefined): Json {
    const { dictionary } = this
    if (this.typer?.of !== dictionary || !this.typer)
      this.typer = { of: dictionary, cells: new CellTyper(dictionary?.travelling(schema) ?? schema) }
    return this.typer.cells.type(row)
  }

  /** An item to write, as it travels. Texts prepared for other eyes no longer say the same. */
  write(item: WriteItem): WriteItem {
    const { text: _unconverted, ...rest } = item
    return {
      ...rest,
      values: this.written(item.values),
      ...(item.known ? { known: this.written(item.known) } : {}),
    }
  }

  private written(values: JsonObject): JsonObject {
    const plain = this.fields?.write(values) ?? values
    return this.dictionary?.write(plain) ?? plain
  }
}
