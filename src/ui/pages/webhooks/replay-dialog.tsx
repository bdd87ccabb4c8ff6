import { TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { EventPreview, WebhookEvent } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loading } from '../../parts/list.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { CountAgain, useBulkAction, usePreview } from '../bulk/begin.tsx'

type Props = { event: WebhookEvent | null; filter: Record<string, string | null>; close: () => void }

/** Reads events again: exactly those that were counted, so that what comes meanwhile is not among them. */
export function ReplayDialog({ event, filter, close }: Props): ReactNode {
  const [sync, setSync] = useState('')
  const wanted = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null))
  const matching = usePreview<EventPreview>('/events/preview', wanted, event === null)
  const count = event ? 1 : (matching.data?.count ?? 0)
  const replay = useAction((said: object) => post('/events/replay', { ids: [event?.id], ...said }))
  const replayAll = useBulkAction('/events/replay-all')
  const { isPending, error } = event ? replay : replayAll
  const confirm = (reason: string): void => {
    const said = { ...(sync.trim() ? { sync: sync.trim() } : {}), ...(reason ? { reason } : {}) }
    if (event) replay.mutate(said, { onSuccess: close })
    else replayAll.mutate({ filter: wanted, token: matching.data?.token, ...said }, { onSuccess: close })
  }
  return (
    <Confirm
      title={t('webhooks.readTheseEventsAgain')}
      verb={t('webhooks.replay', { count })}
      reason="optional"
      ready={count > 0 && !matching.isFetching}
      busy={isPending}
      error={error}
      close={close}
      confirm={confirm}
    >
      {matching.error && <Trouble error={matching.error} retry={() => void matching.refetch()} />}
      <CountAgain action={replayAll} preview={matching} />
      {event === null && matching.isPending && <Loading />}
      <p>
        {rich('webhooks.theirRecordsGoThroughThe', {
          value: event
            ? rich('webhooks.event', { name: <Plain>{event.eventId}</Plain> })
            : rich('webhooks.settledEvents', { count, strong: (text) => <b>{text}</b> }),
        })}
      </p>
      <TextInput
        label={t('webhooks.onlyThroughThisSyncOptional')}
        size="xs"
        mt="sm"
        value={sync}
        onChange={(change) => setSync(change.currentTarget.value)}
      />
    </Confirm>
  )
}
