import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { Items, Subscription } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { List } from '../../parts/list.tsx'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ErrorLine } from '../../parts/stored-error.tsx'
import { Table } from '../../parts/table.tsx'
import { rich, t } from '../../texts/index.ts'

/** Webhooks that the hub ordered at other systems, and until when they live. */
export function Subscriptions(): ReactNode {
  const answer = useAnswer<Items<Subscription>>('/subscriptions', 15_000)
  const [asked, setAsked] = useState<Subscription | null>(null)
  return (
    <Panel title={t('webhooks.orderedByTheHub')}>
      <List source={answer} count={answer.data?.items.length} never={<p>{t('webhooks.noneConnectorsThatCanOrder')}</p>}>
        <Table
          label={t('webhooks.orderedWebhooks')}
          rows={answer.data?.items ?? []}
          keyOf={({ id }) => id}
          columns={[
            {
              head: t('webhooks.connection'),
              cell: ({ connection, stream }) => <Plain>{stream ? `${connection}:${stream}` : connection}</Plain>,
            },
            {
              head: t('webhooks.state'),
              className: 'main-cell',
              cell: ({ state, error }) => (
                <>
                  <State state={state} /> <ErrorLine error={error} />
                </>
              ),
            },
            { head: t('webhooks.expires'), cell: ({ expiresAt }) => <Ago at={expiresAt} none={t('webhooks.never')} /> },
            { head: t('webhooks.renewed'), cell: ({ renewAt }) => <Ago at={renewAt} none="–" /> },
            {
              head: t('webhooks.action'),
              cell: (subscription) => (
                <ActionButton
                  needs="syncs:operate"
                  size="compact-xs"
                  variant="default"
                  aria-label={t('webhooks.orderAgainWebhook', { id: subscription.id })}
                  onClick={() => setAsked(subscription)}
                >
                  {t('webhooks.orderAgain')}
                </ActionButton>
              ),
            },
          ]}
        />
      </List>
      {asked && <OrderAgain subscription={asked} close={() => setAsked(null)} />}
    </Panel>
  )
}

function OrderAgain({ subscription, close }: { subscription: Subscription; close: () => void }): ReactNode {
  const order = useAction((reason: string) => post(`/subscriptions/${subscription.id}/again`, reason ? { reason } : {}))
  return (
    <Confirm
      title={t('webhooks.orderThisWebhookNow')}
      verb={t('webhooks.orderAgain2')}
      reason="optional"
      busy={order.isPending}
      error={order.error}
      close={close}
      confirm={(reason) => order.mutate(reason, { onSuccess: close })}
    >
      <p>
        {rich('webhooks.makeSureFirstThatHolds', {
          name: <Plain>{subscription.connection}</Plain>,
          code: <code>{subscription.url}</code>,
        })}
      </p>
    </Confirm>
  )
}
