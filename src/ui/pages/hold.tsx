import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import type { Hold } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { rich, t, word } from '../texts/index.ts'

const REASONS: Record<string, string> = {
  share: t('run.thatIsMoreAtOnce'),
  empty: t('run.theSourceAnsweredWithoutAny'),
  total: t('run.theSourceSaysItHas'),
  rejected: t('run.someRecordsCouldNotBe'),
  alive: t('run.aSecondLookFoundSome'),
}

/** What a run held instead of deleting it, and the two answers. */
export function HoldPanel({ runId }: { runId: number }): ReactNode {
  const { data } = useAnswer<Hold>(`/runs/${runId}/hold`)
  const [asked, setAsked] = useState<'approve' | 'reject' | null>(null)
  if (!data) return null
  return (
    <Panel title={t('run.heldForAPerson')}>
      <p>
        {rich('run.ofRecordsWouldBeDeleted', {
          records: data.records,
          live: data.live,
          value: REASONS[data.reason] ?? data.reason,
          name: <Plain>{data.sample.slice(0, 5).join(', ')}</Plain>,
        })}
      </p>
      {data.state === 'open' ? (
        <Group gap={6}>
          <ActionButton needs="records:write" size="compact-sm" color="red" onClick={() => setAsked('approve')}>
            {t('run.deleteThem')}
          </ActionButton>
          <ActionButton needs="records:write" size="compact-sm" variant="default" onClick={() => setAsked('reject')}>
            {t('run.keepThem')}
          </ActionButton>
        </Group>
      ) : (
        <p>
          {word('words', data.state)}
          {data.actor ? t('run.by', { actor: data.actor }) : ''}
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
      title={action === 'approve' ? t('run.delete') : t('run.keep')}
      verb={action === 'approve' ? t('run.delete') : t('run.keep')}
      reason="optional"
      busy={decide.isPending}
      error={decide.error}
      close={close}
      confirm={(reason) => decide.mutate(reason, { onSuccess: close })}
    >
      <p>
        {action === 'approve'
          ? t('run.recordsCountAsDeletedExcept', { records })
          : t('run.recordsStayAsTheyAre', { records })}
      </p>
    </Confirm>
  )
}
