import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import { request, withQuery } from '../../api/request.ts'
import type { Page, WebhookEvent } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loading } from '../../parts/list.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'

type Props = { event: WebhookEvent | null; filter: Record<string, string | null>; close: () => void }
/** What one replay takes. */
const MOST = 500

/** Reads events again: those that were counted, by number, so that what comes meanwhile is not among them. */
export function ReplayDialog({ event, filter, close }: Props): ReactNode {
  const [sync, setSync] = useState('')
  const matching = useQuery({
    queryKey: ['replay', filter],
    queryFn: () => request<Page<WebhookEvent>>(withQuery('/events', { ...filter, limit: MOST })),
    enabled: event === null,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  const chosen = event ? [event] : (matching.data?.items.filter(({ state }) => state !== 'pending') ?? [])
  const replay = useAction((reason: string) =>
    post<{ replayed: number; notKept: number }>('/events/replay', {
      ids: chosen.map(({ id }) => id),
      ...(sync.trim() ? { sync: sync.trim() } : {}),
      ...(reason ? { reason } : {}),
    }),
  )
  return (
    <Confirm
      title={t('webhooks.readTheseEventsAgain')}
      verb={t('webhooks.replay', { count: chosen.length })}
      reason="optional"
      ready={chosen.length > 0}
      busy={replay.isPending}
      error={replay.error}
      close={close}
      confirm={(reason) => replay.mutate(reason, { onSuccess: close })}
    >
      {matching.error && <Trouble error={matching.error} />}
      {event === null && matching.isPending && <Loading />}
      <p>
        {rich('webhooks.theirRecordsGoThroughThe', {
          value: event
            ? rich('webhooks.event', { name: <Plain>{event.eventId}</Plain> })
            : rich('webhooks.settledEvents', { count: chosen.length, strong: (text) => <b>{text}</b> }),
          value2: matching.data?.next && t('webhooks.thereAreMoreAndOne'),
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
