/** What a manifest says, piece by piece, and what a description says of each piece. */
import type { Type } from '../apispec/index.ts'
import { formatPlace, type YamlFile, type YamlPath } from '../core/index.ts'

export type SpecVerdict = 'checked' | 'unknown' | 'wrong'
export type SpecRow = {
  place: string
  what: 'request' | 'parameter' | 'sent' | 'read' | 'field'
  name: string
  verdict: SpecVerdict
  detail: string
}

/** What an expression may start from, by name. */
export type Names = Record<string, Type>

/** Rows as they are found, each with its place in the manifest. */
export class SpecRows {
  readonly rows: SpecRow[] = []
  readonly yaml: YamlFile

  constructor(yaml: YamlFile) {
    this.yaml = yaml
  }

  note(at: YamlPath, what: SpecRow['what'], name: string, verdict: SpecVerdict, detail: string): void {
    this.rows.push({ place: formatPlace(this.yaml.placeOf(at)), what, name, verdict, detail })
  }
}
