import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { Connection } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Plain } from '../parts/plain.tsx'

/** Pause and resume. */
export function ConnectionActions({ connection: { name, state } }: { connection: Connection }): ReactNode {
  const [asked, setAsked] = useState(false)
  const path = `/connections/${encodeURIComponent(name)}`
  const resume = useAction(() => post(`${path}/resume`))
  const pause = useAction((reason: string) => post(`${path}/pause`, reason ? { reason } : {}))
  if (state === 'removed') return null
  return (
    <Group gap={6} wrap="nowrap" justify="flex-end">
      {resume.error && <span className="tone-bad">{resume.error.message}</span>}
      {state === 'active' ? (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          onClick={() => setAsked(true)}
          aria-label={`Pause ${name}`}
        >
          Pause
        </ActionButton>
      ) : (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={resume.isPending}
          onClick={() => resume.mutate(undefined)}
          aria-label={`Resume ${name}`}
        >
          Resume
        </ActionButton>
      )}
      {asked && (
        <Confirm
          title="Pause"
          verb="Pause"
          reason="optional"
          busy={pause.isPending}
          error={pause.error}
          close={() => setAsked(false)}
          confirm={(reason) => pause.mutate(reason, { onSuccess: () => setAsked(false) })}
        >
          <p>
            Nothing more is read from or written to <Plain>{name}</Plain> until it is resumed. What is under way ends;
            webhooks are still accepted and kept.
          </p>
        </Confirm>
      )}
    </Group>
  )
}
