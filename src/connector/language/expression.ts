/** Compiled expressions and templates as the code of parts and protocols sees them. */
import type { Place } from '../../core/index.ts'

/** The names an expression may use, with their values: `{ settings, record }`. */
export type Scope = Record<string, unknown>

export type Expression = {
  readonly source: string
  readonly place: Place
  /** The value, or undefined where there is none. Throws CSW-2011 with the place when the expression fails. */
  evaluate(scope: Scope): unknown
  /** Names that are not just handed on as they are. */
  readonly looksInto: ReadonlySet<string>
}

export type Template = {
  readonly source: string
  readonly place: Place
  /** True when it holds no insert, so that the value is always the same. */
  readonly constant: boolean
  /** The value: text for templates, any JSON for data. Undefined where an insert has no value. */
  evaluate(scope: Scope): unknown
  /** Root names used anywhere in it (`since`, `cursor` …). */
  readonly names: ReadonlySet<string>
  /** Those of them that are not just handed on as they are. */
  readonly looksInto: ReadonlySet<string>
}
