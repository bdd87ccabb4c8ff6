import type { HubConfig } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import type { Finding } from '../core/index.ts'
import type { EntityType } from '../identity/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'

/**
 * Everything the files of a hub folder define, and everything that is wrong with them. `blocking` leaves out what is wrong
 * with connectors that no connection uses: they must not keep a hub from running.
 */
export type HubFiles = {
  config: HubConfig
  catalogue: Catalogue
  syncs: SyncDefinition[]
  entities: EntityType[]
  findings: Finding[]
  blocking: Finding[]
}
