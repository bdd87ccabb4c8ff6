import { Checkbox, Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { Sync } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Plain } from '../parts/plain.tsx'
import { go } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { rich, t } from '../texts/index.ts'

type Asked = 'run' | 'pause' | null

/** Run, pause, resume. Resuming asks nothing: it only lets go on what was meant to go on. */
export function SyncActions({ sync }: { sync: Pick<Sync, 'name' | 'state'> }): ReactNode {
  const [asked, setAsked] = useState<Asked>(null)
  const path = `/syncs/${encodeURIComponent(sync.name)}`
  const resume = useAction(() => post(`${path}/resume`))
  const close = (): void => setAsked(null)
  if (sync.state === 'removed') return null
  return (
    <Group gap={6} wrap="nowrap" justify="flex-end">
      <ActionButton
        needs="syncs:operate"
        size="compact-xs"
        variant="default"
        aria-haspopup="dialog"
        aria-keyshortcuts="r"
        onClick={() => setAsked('run')}
        aria-label={t('sync.run', { name: sync.name })}
      >
        {t('sync.run2')}
      </ActionButton>
      {sync.state === 'paused' ? (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={resume.isPending}
          onClick={() => resume.mutate(undefined)}
          aria-label={t('sync.resume', { name: sync.name })}
        >
          {t('sync.resume2')}
        </ActionButton>
      ) : (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          onClick={() => setAsked('pause')}
          aria-label={t('sync.pause', { name: sync.name })}
        >
          {t('sync.pause2')}
        </ActionButton>
      )}
      {resume.error && <span className="tone-bad">{resume.error.message}</span>}
      {asked === 'run' && <RunDialog name={sync.name} path={path} close={close} />}
      {asked === 'pause' && <PauseDialog name={sync.name} path={path} close={close} />}
    </Group>
  )
}

type DialogProps = { name: string; path: string; close: () => void }

function RunDialog({ name, path, close }: DialogProps): ReactNode {
  const [full, setFull] = useState(false)
  const run = useAction((reason: string) =>
    post<{ requestId: string }>(`${path}/run`, { full, ...(reason ? { reason } : {}) }),
  )
  return (
    <Confirm
      title={t('sync.runNow')}
      verb={t('sync.run2')}
      reason="optional"
      busy={run.isPending}
      error={run.error}
      close={close}
      confirm={(reason) =>
        run.mutate(reason, {
          onSuccess: ({ requestId }) => {
            close()
            go(to.sync(name, requestId))
          },
        })
      }
    >
      <p>{rich('sync.pullsTheSourceOfAnd', { name: <Plain>{name}</Plain> })}</p>
      <Checkbox
        mt="sm"
        label={t('sync.readTheSourceFromThe')}
        checked={full}
        onChange={(event) => setFull(event.currentTarget.checked)}
      />
    </Confirm>
  )
}

function PauseDialog({ name, path, close }: DialogProps): ReactNode {
  const pause = useAction((reason: string) => post(`${path}/pause`, reason ? { reason } : {}))
  return (
    <Confirm
      title={t('sync.pause2')}
      verb={t('sync.pause2')}
      reason="optional"
      busy={pause.isPending}
      error={pause.error}
      close={close}
      confirm={(reason) => pause.mutate(reason, { onSuccess: close })}
    >
      <p>{rich('sync.deliversNothingMoreUntilIt', { name: <Plain>{name}</Plain> })}</p>
    </Confirm>
  )
}
