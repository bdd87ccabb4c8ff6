import type { JsonObject } from '../core/index.ts'
import type { StreamAddress } from './contract.ts'
import type { Tables } from './tables.ts'
import type { ExpressionText, Template } from './template.ts'

/** What of a mapping file is needed to map records: plain JSON, so that it can be sent to a process that holds nothing else. */
export type Program = {
  from: StreamAddress
  to: StreamAddress
  when: ExpressionText | null
  template: Template
  /** Present when one record gives several parts: which items, and the stable key of each. */
  each: { of: ExpressionText; key: ExpressionText } | null
  joins: { name: string; key: ExpressionText; required: boolean }[]
  tables: Tables
  /** Schema of what the target takes; decides how exact numbers are written. */
  schema: JsonObject | null
}

/** What is asked of the sandbox for one batch. */
export type Request = {
  operation: 'map' | 'joinKeys'
  now: number | null
  /** Answers also which way conditions went; for tests. */
  trace?: true
}

/** What travels beside the texts of one record: its body first, then one text per name in `joins`. */
export type RecordHead = { id: string; deleted: boolean; joins: string[] }

/** The same as it travels: of a record that lives and joins none, which nearly all are, the id alone. */
export type PackedHead = string | RecordHead

export const packHead = (head: RecordHead): PackedHead => (head.deleted || head.joins.length ? head : head.id)
export const unpackHead = (head: PackedHead): RecordHead =>
  typeof head === 'string' ? { id: head, deleted: false, joins: [] } : head
