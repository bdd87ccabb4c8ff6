/** What the routes of plans exchange with the hub. */
import type { Json, Place, SerializedError } from '../core/index.ts'
import type { TrialInput } from './playground.ts'

/** Texts of the table files that a mapping names, by their paths; of others the hub knows what the running version has. */
type TableFiles = Readonly<Record<string, string>>
export type PlanRequest = { records?: string[]; limit: number; all: boolean; mapping?: string; tables?: TableFiles }
export type Plan = {
  sync: string
  version: string
  /** `target`: it starts from what the target was seen to hold, as `verify` gives it; from what was delivered, unless told. */
  basis?: 'delivered' | 'target'
  records: number
  actions: Record<string, number>
  reads: number
  truncated: boolean
  changes: {
    record: string
    part: string
    seq: number
    action: string
    target: string | null
    matched: 'link' | string[] | null
    fields: { field: string; before: Json | null; after: Json | null }[]
    error: SerializedError | null
    fingerprint: string
  }[]
}

/** A plan that is to be done: what of each change is needed to know it again. */
export type ApplyRequest = {
  version: string
  basis?: 'delivered' | 'target'
  changes: Pick<Plan['changes'][number], 'record' | 'part' | 'seq' | 'action' | 'target' | 'fingerprint'>[]
}
export type Applied = {
  sync: string
  runs: number[]
  states: Record<string, number>
  moved: { record: string; part: string; reason: string }[]
}

export type VerifyRequest = { records?: string[]; sample?: number; seed?: string; extra: boolean; limit: number }
/** A plan that starts from the target, and how the two sides differ. */
export type Verification = Omit<Plan, 'actions'> & {
  findings: Record<string, number>
  fields: {
    field: string
    stale: number
    diverged: number
    waiting: number
    unseen: number
    samples: { record: string; target: string | null; source: Json; there: Json | null }[]
  }[]
  extra: { read: number; extra: number; samples: string[] } | null
}

/** What of a run was taken back, or would be, and what stays as it is. */
export type Undone = {
  run: number
  sync: string
  runs: number[]
  restored: number
  removed: number
  states: Record<string, number>
  changes: {
    record: string
    part: string
    target: string
    action: 'restore' | 'delete'
    fields: { field: string; wrote: Json; before: Json }[]
  }[]
  left: { record: string; part: string; target: string; reason: string; fields: string[] }[]
}

export type ComparisonRequest = {
  before?: string
  after?: string
  beforeTables?: TableFiles
  afterTables?: TableFiles
  limit: number
}
export type MappingComparison = {
  records: number
  same: number
  changed: number
  outcomes: Record<string, number>
  fields: { field: string; count: number; samples: { record: string; before: Json | null; after: Json | null }[] }[]
  notKept: number
  truncated: boolean
}

/** A record that becomes a test: `keep` names fields whose values may stay as they are. */
export type SaveTestRequest = { input: TrialInput; name?: string; keep?: string[]; mapping?: string }
export type SavedTestCase = {
  sync: string
  /** The mapping file, as the hub calls it. */
  file: string
  name: string
  /** The test as an item of `tests`, in YAML. */
  test: string
  /** What becomes of the record, and what of it with its values replaced. */
  outcome: string
  tested: string
}

/** Where a value of a target record comes from. */
export type ExplainedField = {
  field: string
  /** What the hub wrote there last, or found there when it matched. */
  value: Json | null
  /** The expression in the mapping that gave it. */
  expression: string | null
  place: Place | null
  /** What the expression reads of the source record, with the values it had then. */
  reads: { path: string; value: Json | null }[]
}
type ExplainedDelivery = {
  sync: string
  from: string
  record: string
  part: string
  state: string
  mappingVersion: string
  /** When and in which run it was last brought there. */
  runId: number | null
  at: Date
  /** How the record came by this target: written by us, or matched. */
  operation: string | null
  /** Why values that were read cannot be shown; null where they can. */
  notKept: SerializedError | null
  fields: ExplainedField[]
}
export type Explanation = { stream: string; id: string; entity: string; deliveries: ExplainedDelivery[] }
