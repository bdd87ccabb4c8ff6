import type { ReactNode } from 'react'
import { Page } from '../../parts/page.tsx'
import { t } from '../../texts/index.ts'
import { BulkActions } from '../bulk/actions.tsx'
import { Events } from './events.tsx'
import { IntakePanel } from './intake.tsx'
import { Subscriptions } from './subscriptions.tsx'

/** What other systems tell the hub by themselves: whether it arrives, whether it is believed, and what became of it. */
export function Webhooks(): ReactNode {
  return (
    <Page title={t('webhooks.webhooks')}>
      <IntakePanel />
      <BulkActions of="events" />
      <Events />
      <Subscriptions />
    </Page>
  )
}
