import type { ReactNode } from 'react'
import { Authorised } from './authorised.tsx'
import { Audit } from './changes/audit.tsx'
import { Changes } from './changes/configuration.tsx'
import { VersionPage } from './changes/version.tsx'
import { Conflicts } from './conflicts/conflicts.tsx'
import { ConnectionPage } from './connection.tsx'
import { Connections } from './connections.tsx'
import { ConnectorPage } from './connectors/connector.tsx'
import { Connectors } from './connectors/connectors.tsx'
import { DeadLetterPage } from './dead-letter.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Entities } from './entities/entities.tsx'
import { EntityPage } from './entities/entity.tsx'
import { Reviews } from './entities/reviews.tsx'
import { Landscape } from './landscape/landscape.tsx'
import { Playground } from './playground/playground.tsx'
import { Queues } from './queues.tsx'
import { RecordPage } from './record.tsx'
import { Records } from './records.tsx'
import { Reference } from './reference/reference.tsx'
import { RunPage } from './run.tsx'
import { Runs } from './runs.tsx'
import { SettingsPage } from './settings/settings.tsx'
import { SyncPage } from './sync.tsx'
import { Syncs } from './syncs.tsx'
import { SystemPage } from './system/system.tsx'
import { Timeline } from './timeline/timeline.tsx'
import { Webhooks } from './webhooks/webhooks.tsx'

/** Every page but home, by its path. Loaded by `later.ts`. */
export const OTHERS: Record<string, () => ReactNode> = {
  '/syncs': Syncs,
  '/sync': SyncPage,
  '/runs': Runs,
  '/run': RunPage,
  '/queues': Queues,
  '/dead-letters': DeadLetters,
  '/dead-letter': DeadLetterPage,
  '/records': Records,
  '/record': RecordPage,
  '/entities': Entities,
  '/entity': EntityPage,
  '/reviews': Reviews,
  '/conflicts': Conflicts,
  '/playground': Playground,
  '/landscape': Landscape,
  '/timeline': Timeline,
  '/changes': Changes,
  '/version': VersionPage,
  '/audit': Audit,
  '/settings': SettingsPage,
  '/system': SystemPage,
  '/docs': Reference,
  '/webhooks': Webhooks,
  '/connections': Connections,
  '/connectors': Connectors,
  '/connector': ConnectorPage,
  '/authorised': Authorised,
  '/connection': ConnectionPage,
}
