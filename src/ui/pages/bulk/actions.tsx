import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { BulkAction, Page } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ErrorLine } from '../../parts/stored-error.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { number, rich, t, word } from '../../texts/index.ts'

/** How long one that is over stays in sight. */
const SHOWN_MS = 60 * 60_000

/** The bulk actions on things of one sort (`dead_letters`): how far they are, and stopping them. Nothing where there are none. */
export function BulkActions({ of }: { of: string }): ReactNode {
  const answer = useAnswer<Page<BulkAction>>('/bulk-actions?limit=50')
  const [stopping, setStopping] = useState<BulkAction | null>(null)
  const since = Date.now() - SHOWN_MS
  const shown = answer.data?.items.filter(
    ({ kind, endedAt }) => kind.startsWith(`${of}.`) && (endedAt === null || Date.parse(endedAt) > since),
  )
  if (!shown?.length) return null
  return (
    <Panel title={t('bulk.bulkActions')}>
      <Table label={t('bulk.bulkActions')} rows={shown} keyOf={({ id }) => id} columns={columns(setStopping)} />
      {stopping && <StopDialog action={stopping} close={() => setStopping(null)} />}
    </Panel>
  )
}

const columns = (stop: (action: BulkAction) => void): Column<BulkAction>[] => [
  {
    head: t('bulk.action'),
    className: 'main-cell',
    cell: ({ kind, id, actor, reason }) => (
      <>
        <b>{word('words', kind)}</b>
        <p className="dim">
          {rich('bulk.numberBy', { id, name: <Plain>{actor}</Plain> })}
          {reason && (
            <>
              : <Plain>{reason}</Plain>
            </>
          )}
        </p>
      </>
    ),
  },
  { head: t('bulk.state'), cell: ({ state }) => <State state={state} /> },
  { head: t('bulk.progress'), cell: (action) => <HowFar action={action} /> },
  { head: t('bulk.begun'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
  {
    head: t('bulk.stopHead'),
    cell: (action) =>
      action.state === 'running' && (
        <ActionButton
          needs="letters:operate"
          size="compact-xs"
          variant="default"
          aria-label={t('bulk.stopNumber', { id: action.id })}
          onClick={() => stop(action)}
        >
          {t('bulk.stop')}
        </ActionButton>
      ),
  },
]

function HowFar({ action }: { action: BulkAction }): ReactNode {
  const { id, total, left, done, passedOver, failed, error } = action
  return (
    <>
      <Group gap={8} wrap="nowrap">
        <progress aria-label={t('bulk.progressOf', { id })} max={Math.max(total, 1)} value={total ? total - left : 1} />
        <span>{t('bulk.doneOf', { done, total })}</span>
      </Group>
      <p className="dim">
        {[
          passedOver > 0 && t('bulk.passedOver', { passedOver }),
          failed > 0 && t('bulk.failed', { failed }),
          left > 0 && t('bulk.left', { left }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {error && <ErrorLine error={error} />}
    </>
  )
}

function StopDialog({ action, close }: { action: BulkAction; close: () => void }): ReactNode {
  const stop = useAction((reason: string) => post(`/bulk-actions/${action.id}/abort`, reason ? { reason } : {}))
  return (
    <Confirm
      title={t('bulk.stopNumber', { id: action.id })}
      verb={t('bulk.stop')}
      danger
      reason="optional"
      busy={stop.isPending}
      error={stop.error}
      close={close}
      confirm={(reason) => stop.mutate(reason, { onSuccess: close })}
    >
      <p>{t('bulk.whatIsDoneStaysDone', { left: number(action.left) })}</p>
    </Confirm>
  )
}
