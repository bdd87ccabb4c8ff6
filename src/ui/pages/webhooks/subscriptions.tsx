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

/** Webhooks that the hub ordered at other systems, and until when they live. */
export function Subscriptions(): ReactNode {
  const answer = useAnswer<Items<Subscription>>('/subscriptions', 15_000)
  const [asked, setAsked] = useState<Subscription | null>(null)
  return (
    <Panel title="Ordered by the hub">
      <List
        source={answer}
        count={answer.data?.items.length}
        never={
          <p>None. Connectors that can order webhooks do so when a sync asks for them and the hub has an address.</p>
        }
      >
        <Table
          label="Ordered webhooks"
          rows={answer.data?.items ?? []}
          keyOf={({ id }) => id}
          columns={[
            {
              head: 'Connection',
              cell: ({ connection, stream }) => <Plain>{stream ? `${connection}:${stream}` : connection}</Plain>,
            },
            {
              head: 'State',
              className: 'main-cell',
              cell: ({ state, error }) => (
                <>
                  <State state={state} /> <ErrorLine error={error} />
                </>
              ),
            },
            { head: 'Expires', cell: ({ expiresAt }) => <Ago at={expiresAt} none="never" /> },
            { head: 'Renewed', cell: ({ renewAt }) => <Ago at={renewAt} none="–" /> },
            {
              head: 'Action',
              cell: (subscription) => (
                <ActionButton
                  needs="syncs:operate"
                  size="compact-xs"
                  variant="default"
                  aria-label={`Order again… webhook ${subscription.id}`}
                  onClick={() => setAsked(subscription)}
                >
                  Order again…
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
      title="Order this webhook now"
      verb="Order again"
      reason="optional"
      busy={order.isPending}
      error={order.error}
      close={close}
      confirm={(reason) => order.mutate(reason, { onSuccess: close })}
    >
      <p>
        Make sure first that <Plain>{subscription.connection}</Plain> holds no webhook with this address, or events come
        twice: <code>{subscription.url}</code>
      </p>
    </Confirm>
  )
}
