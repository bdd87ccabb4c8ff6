import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import type { Hold } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'

const REASONS: Record<string, string> = {
  share: 'that is more at once than the limits allow',
  empty: 'the source answered without any record',
  total: 'the source says it has more records than it gave',
  rejected: 'some records could not be read and may be among them',
  alive: 'a second look found some of them in the source',
}

/** What a run held instead of deleting it, and the two answers. */
export function HoldPanel({ runId }: { runId: number }): ReactNode {
  const { data } = useAnswer<Hold>(`/runs/${runId}/hold`)
  const [asked, setAsked] = useState<'approve' | 'reject' | null>(null)
  if (!data) return null
  return (
    <Panel title="Held for a person">
      <p>
        {data.records.toLocaleString()} of {data.live.toLocaleString()} records would be deleted:{' '}
        {REASONS[data.reason] ?? data.reason}. For example <Plain>{data.sample.slice(0, 5).join(', ')}</Plain>.
      </p>
      {data.state === 'open' ? (
        <Group gap={6}>
          <ActionButton needs="records:write" size="compact-sm" color="red" onClick={() => setAsked('approve')}>
            Delete them
          </ActionButton>
          <ActionButton needs="records:write" size="compact-sm" variant="default" onClick={() => setAsked('reject')}>
            Keep them
          </ActionButton>
        </Group>
      ) : (
        <p>
          {data.state}
          {data.actor ? ` by ${data.actor}` : ''}
          {data.note ? `: ${data.note}` : ''}
        </p>
      )}
      {asked && <Decision runId={data.runId} action={asked} records={data.records} close={() => setAsked(null)} />}
    </Panel>
  )
}

type DecisionProps = { runId: number; action: 'approve' | 'reject'; records: number; close: () => void }

function Decision({ runId, action, records, close }: DecisionProps): ReactNode {
  const decide = useAction((reason: string) => post(`/runs/${runId}/${action}`, reason ? { reason } : {}))
  return (
    <Confirm
      title={action === 'approve' ? 'Delete' : 'Keep'}
      verb={action === 'approve' ? 'Delete' : 'Keep'}
      reason="optional"
      busy={decide.isPending}
      error={decide.error}
      close={close}
      confirm={(reason) => decide.mutate(reason, { onSuccess: close })}
    >
      <p>
        {action === 'approve'
          ? `${records.toLocaleString()} records count as deleted, except those found or changed since.`
          : `${records.toLocaleString()} records stay as they are.`}
      </p>
    </Confirm>
  )
}
