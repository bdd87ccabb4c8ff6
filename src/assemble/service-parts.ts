import type { ChannelParts } from '../alerts/index.ts'
import type { Environment } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import type { Clock, Logger } from '../core/index.ts'
import type { SandboxedRunner } from '../mapping/index.ts'
import type { Ports } from '../pipeline/index.ts'
import type { WorkQueue } from '../queue/index.ts'
import type { InboxWriter, MasterKeys, SecretStore, Store, SubscriptionBook } from '../store/index.ts'
import type { Adoption } from './adoption.ts'
import type { Erasures } from './erasures.ts'
import type { HubFiles } from './hub-files.ts'
import type { KnownSecrets } from './subscriptions.ts'

/** What the services of the HTTP room stand on. */
export type ServiceParts = {
  alertChannel: ChannelParts
  pool: Store['pool']
  /** Without the addresses of sample systems. */
  env: Environment
  ports: Ports
  queue: WorkQueue
  inbox: InboxWriter
  book: SubscriptionBook
  hookSecrets: KnownSecrets
  erasures: Erasures
  keys: MasterKeys
  secrets: SecretStore
  log: Logger
  files(): HubFiles
  adoption: Adoption
  /** The runner of the ports, with a clock that can be stopped. */
  mappings: SandboxedRunner
  /** The whole catalogue, also what no connection uses. */
  allConnectors(): Catalogue
  clock: Clock
  /** Address under which others reach the hub; null where none is set. */
  publicUrl: string | null
}
