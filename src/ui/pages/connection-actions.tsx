import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { Connection } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Plain } from '../parts/plain.tsx'
import { rich, t } from '../texts/index.ts'

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
          aria-label={t('connection.pause', { name })}
        >
          {t('connection.pause2')}
        </ActionButton>
      ) : (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={resume.isPending}
          onClick={() => resume.mutate(undefined)}
          aria-label={t('connection.resume', { name })}
        >
          {t('connection.resume2')}
        </ActionButton>
      )}
      {asked && (
        <Confirm
          title={t('connection.pause2')}
          verb={t('connection.pause2')}
          reason="optional"
          busy={pause.isPending}
          error={pause.error}
          close={() => setAsked(false)}
          confirm={(reason) => pause.mutate(reason, { onSuccess: () => setAsked(false) })}
        >
          <p>{rich('connection.nothingMoreIsReadFrom', { name: <Plain>{name}</Plain> })}</p>
        </Confirm>
      )}
    </Group>
  )
}
