/** What the routes of the configuration exchange with the hub. */
import type { MappingComparison } from './plans.ts'

/** One connection, connector in use, entity or sync by its fields, as text. */
export type PlannedItem = {
  kind: 'connection' | 'connector' | 'entity' | 'sync'
  name: string
  fields: Record<string, string>
  digest: string
  /** Of a sync: the text of its mapping; of a connector: that of its manifest; of an entity: that of its file. */
  source: string | null
}

/** What a plan started from and leads to: each item by its digest, null where it is not there. */
type PlannedBasis = {
  kind: PlannedItem['kind']
  name: string
  before: string | null
  after: string | null
}[]

/** A version of the configuration to go back to; `before` is the digest of what is kept of a file, null where there is none. */
export type RollBackRequest = { version: number; files: { path: string; before: string | null }[] }

export type ConfigurationRequest = { basis: PlannedBasis; allowDestructive: boolean; rollBack?: RollBackRequest }

/** What the hub works with from now on that it did not before. */
export type AppliedConfiguration = {
  applied: { kind: PlannedItem['kind']; name: string; change: 'added' | 'changed' | 'removed' }[]
}

/** One item that differs between what is in force and what is planned. */
export type ConfigurationChange = {
  kind: PlannedItem['kind']
  name: string
  change: 'added' | 'changed' | 'removed'
  /** Null where a field is not there on one side. */
  fields: { field: string; before: string | null; after: string | null }[]
  /** Of a changed mapping or manifest: the lines that differ, with some around them, as `diff -u` writes them. */
  patch?: string
  /** Of a changed mapping: both texts over the recorded inputs. */
  effect?: MappingEffect
}
export type MappingEffect = Omit<MappingComparison, 'fields'> & { fields: { field: string; count: number }[] }

export type ConfigurationPlan = { configuration: ConfigurationChange[]; basis: PlannedBasis }

/** What going back to a version means for files and items; applied as it is. */
export type RollBackPlan = ConfigurationPlan & {
  /** `inForce`: the version that is left. */
  rollBack: RollBackRequest & {
    inForce: number
    changes: { path: string; change: ConfigurationChange['change'] }[]
  }
}
