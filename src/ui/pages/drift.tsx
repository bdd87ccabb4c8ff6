import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import type { Drift } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'

/** How the source had changed the form of its records when a pull read them, and the lines of mappings that read it. */
export function DriftPanel({ runId }: { runId: number }): ReactNode {
  const { data } = useAnswer<{ items: Drift[] }>(`/drifts?run=${runId}`)
  const [asked, setAsked] = useState<Drift | null>(null)
  if (!data?.items.length) return null
  return (
    <Panel title="The source has changed">
      {data.items.map((drift) => (
        <div key={drift.id}>
          <ul>
            {drift.changes.map((change) => (
              <li key={`${change.kind} ${change.field}`}>
                <code>{change.field}</code> {whatChanged(change)}
                {change.touches.map(({ sync, key, place }) => (
                  <p className="dim" key={`${sync} ${key}`}>
                    read by <Plain>{sync}</Plain>, <code>{key}</code>, {place.file}
                    {place.line === undefined ? '' : `:${place.line}`}
                  </p>
                ))}
              </li>
            ))}
          </ul>
          {drift.state === 'open' ? (
            <ActionButton needs="records:write" size="compact-sm" onClick={() => setAsked(drift)}>
              Accept
            </ActionButton>
          ) : (
            <p>{drift.actor ? `Accepted by ${drift.actor}.` : 'It breaks no mapping.'}</p>
          )}
        </div>
      ))}
      {asked && <Acceptance drift={asked} close={() => setAsked(null)} />}
    </Panel>
  )
}

function whatChanged({ kind, before, after }: Drift['changes'][number]): string {
  if (kind === 'new') return 'is new'
  if (kind === 'vanished') return 'is gone'
  return `was ${before.join(', ')} and is also ${after.join(', ')} now`
}

function Acceptance({ drift, close }: { drift: Drift; close: () => void }): ReactNode {
  const accept = useAction((reason: string) => post(`/drifts/${drift.id}/accept`, reason ? { reason } : {}))
  return (
    <Confirm
      title="Accept the change"
      verb="Accept"
      reason="optional"
      busy={accept.isPending}
      error={accept.error}
      close={close}
      confirm={(reason) => accept.mutate(reason, { onSuccess: close })}
    >
      <p>Records that were held for it are delivered, and syncs that it paused go on.</p>
    </Confirm>
  )
}
