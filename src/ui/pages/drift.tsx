import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import type { Drift } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { rich, t } from '../texts/index.ts'

/** How the source had changed the form of its records when a pull read them, and the lines of mappings that read it. */
export function DriftPanel({ runId }: { runId: number }): ReactNode {
  const { data } = useAnswer<{ items: Drift[] }>(`/drifts?run=${runId}`)
  const [asked, setAsked] = useState<Drift | null>(null)
  if (!data?.items.length) return null
  return (
    <Panel title={t('connection.theSourceHasChanged')}>
      {data.items.map((drift) => (
        <div key={drift.id}>
          <ul>
            {drift.changes.map((change) => (
              <li key={`${change.kind} ${change.field}`}>
                <code>{change.field}</code> {whatChanged(change)}
                {change.touches.map(({ sync, key, place }) => (
                  <p className="dim" key={`${sync} ${key}`}>
                    {rich('connection.readBy', {
                      name: <Plain>{sync}</Plain>,
                      code: <code>{key}</code>,
                      file: place.file,
                      value: place.line === undefined ? '' : `:${place.line}`,
                    })}
                  </p>
                ))}
              </li>
            ))}
          </ul>
          {drift.state === 'open' ? (
            <ActionButton needs="records:write" size="compact-sm" onClick={() => setAsked(drift)}>
              {t('connection.accept')}
            </ActionButton>
          ) : (
            <p>
              {drift.actor ? t('connection.acceptedBy', { actor: drift.actor }) : t('connection.itBreaksNoMapping')}
            </p>
          )}
        </div>
      ))}
      {asked && <Acceptance drift={asked} close={() => setAsked(null)} />}
    </Panel>
  )
}

function whatChanged({ kind, before, after }: Drift['changes'][number]): string {
  if (kind === 'new') return t('connection.isNew')
  if (kind === 'vanished') return t('connection.isGone')
  return t('connection.wasAndIsAlsoNow', { before: before.join(', '), after: after.join(', ') })
}

function Acceptance({ drift, close }: { drift: Drift; close: () => void }): ReactNode {
  const accept = useAction((reason: string) => post(`/drifts/${drift.id}/accept`, reason ? { reason } : {}))
  return (
    <Confirm
      title={t('connection.acceptTheChange')}
      verb={t('connection.accept')}
      reason="optional"
      busy={accept.isPending}
      error={accept.error}
      close={close}
      confirm={(reason) => accept.mutate(reason, { onSuccess: close })}
    >
      <p>{t('connection.recordsThatWereHeldFor')}</p>
    </Confirm>
  )
}
