/**
 * The words in which the manifest language is described. A part (auth, paging, a protocol's read …) states its fields once,
 * with these functions; the closed JSON Schema, the reference page, the editor's help, the checks with file:line:column and
 * the TypeScript type of the compiled value all come from that one statement.
 */
import type { Json } from '../../core/index.ts'
import type { Expression, Template } from './expression.ts'

/** What every field says about itself. */
export type FieldNotes<D = Json> = {
  /** One or two sentences for the reference page and the editor's hover. */
  sense: string
  /** A manifest without the field is refused. */
  required?: true
  /** Used when the manifest does not give the field. */
  default?: D
  /** Shown in the reference; must pass the field's own check (a test holds that). */
  example?: Json
}

/** Expressions and templates additionally name what they may refer to. */
export type ScopeNotes = {
  /** Names an expression may start from: `settings`, `record`, `since` … Anything else is refused at load. */
  names: readonly string[]
}

type FieldKind =
  | 'text'
  | 'integer'
  | 'number'
  | 'flag'
  | 'choice'
  | 'json'
  | 'file'
  | 'expression'
  | 'template'
  | 'data'
  | 'list'
  | 'map'
  | 'part'
  | 'variant'

/** One field. `T` is the type of the compiled value and exists for the type checker only. */
export type Field<T = unknown> = FieldNotes & {
  kind: FieldKind
  names?: readonly string[]
  /** Text fields: what the text must look like. */
  pattern?: string
  minimum?: number
  maximum?: number
  options?: readonly string[]
  /** Lists and maps: the field each item is. */
  item?: Field
  /** Maps: what keys must look like. */
  keys?: string
  /** Templates for URL paths: every inserted value is percent-encoded, and may not be empty or a dot segment. */
  encode?: 'path'
  part?: Part
  /** Variants: the part per value of the tag field. */
  variants?: Record<string, Part>
  tag?: string
  readonly type?: T
}

export type Fields = Record<string, Field>

/** A group of fields that appears as one YAML mapping. */
export type Part<F extends Fields = Fields> = {
  title: string
  sense: string
  fields: F
  /** A complete snippet for the reference; each is loaded (and where possible run) by a test. */
  example?: string
  /** Rules between fields, after each field is right by itself. Answers what is wrong and at which field. */
  check?(value: CompiledPart<F>): PartFinding[]
}
export type PartFinding = { field?: string; message: string; fix: string }

type Given<O, T> = O extends { required: true } | { default: Json } ? T : T | undefined
/** The value the code of a part receives: defaults filled in, expressions and templates compiled. */
export type Compiled<F> = F extends Field<infer T> ? T : never
export type CompiledPart<F extends Fields> = { readonly [K in keyof F]: Compiled<F[K]> }
/** The compiled value of a part: `type Auth = ValueOf<typeof authPart>`. */
export type ValueOf<P> = P extends Part<infer F> ? CompiledPart<F> : never

export const text = <const O extends FieldNotes & { pattern?: string }>(notes: O): Field<Given<O, string>> => ({
  kind: 'text',
  ...notes,
})

type NumberNotes = FieldNotes<number> & { minimum?: number; maximum?: number }
export const integer = <const O extends NumberNotes>(notes: O): Field<Given<O, number>> => ({
  kind: 'integer',
  ...notes,
})
export const number = <const O extends NumberNotes>(notes: O): Field<Given<O, number>> => ({
  kind: 'number',
  ...notes,
})

export const flag = <const O extends FieldNotes<boolean>>(notes: O): Field<Given<O, boolean>> => ({
  kind: 'flag',
  ...notes,
})

export const choice = <const V extends string, const O extends FieldNotes<V>>(
  options: readonly V[],
  notes: O,
): Field<Given<O, V>> => ({ kind: 'choice', options, ...notes })

/** Any plain value, without inserts. */
export const json = <const O extends FieldNotes>(notes: O): Field<Given<O, Json>> => ({ kind: 'json', ...notes })

/** A JSON file beside the manifest (its path is given) or the same content in place. The value is the parsed content. */
export const file = <const O extends FieldNotes>(notes: O): Field<Given<O, Json>> => ({ kind: 'file', ...notes })

/** JSONata, nothing around it. */
export const expression = <const O extends FieldNotes<string> & ScopeNotes>(notes: O): Field<Given<O, Expression>> => ({
  kind: 'expression',
  ...notes,
})

/** Text with `${ JSONata }` inserts. Without value where an insert has none. */
export const template = <const O extends FieldNotes<string> & ScopeNotes & { encode?: 'path' }>(
  notes: O,
): Field<Given<O, Template>> => ({ kind: 'template', ...notes })

/** Any YAML value whose texts may hold `${ JSONata }` inserts; a text that is one insert keeps the value's type. */
export const data = <const O extends FieldNotes & ScopeNotes>(notes: O): Field<Given<O, Template>> => ({
  kind: 'data',
  ...notes,
})

export const list = <F extends Field, const O extends FieldNotes>(
  item: F,
  notes: O,
): Field<Given<O, Exclude<Compiled<F>, undefined>[]>> => ({ kind: 'list', item, ...notes })

/** Names chosen by the author of the manifest, each with a value of the same kind. */
export const map = <F extends Field, const O extends FieldNotes & { keys?: string }>(
  item: F,
  notes: O,
): Field<Given<O, Record<string, Exclude<Compiled<F>, undefined>>>> => ({ kind: 'map', item, ...notes })

export const section = <F extends Fields, const O extends FieldNotes>(
  part: Part<F>,
  notes: O,
): Field<Given<O, CompiledPart<F>>> => ({ kind: 'part', part: part as Part, ...notes })

/** One of several parts, chosen by the value of a tag field (`kind: cursor`). */
export const variant = <const V extends Record<string, Part>, const O extends FieldNotes>(
  tag: 'kind',
  variants: V,
  notes: O,
): Field<Given<O, { [K in keyof V & string]: { readonly kind: K } & ValueOf<V[K]> }[keyof V & string]>> => ({
  kind: 'variant',
  tag,
  variants,
  ...notes,
})

/** Declares a part; only there so that the types of its fields are kept. */
export const part = <const F extends Fields>(declaration: Part<F>): Part<F> => declaration
