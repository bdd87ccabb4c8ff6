import { Checkbox, Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { Sync } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { Plain } from '../parts/plain.tsx'
import { go } from '../routing/place.ts'
import { to } from '../routing/to.ts'

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
        aria-label={`Run ${sync.name}`}
      >
        Run
      </ActionButton>
      {sync.state === 'paused' ? (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={resume.isPending}
          onClick={() => resume.mutate(undefined)}
          aria-label={`Resume ${sync.name}`}
        >
          Resume
        </ActionButton>
      ) : (
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          onClick={() => setAsked('pause')}
          aria-label={`Pause ${sync.name}`}
        >
          Pause
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
      title="Run now"
      verb="Run"
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
      <p>
        Pulls the source of <Plain>{name}</Plain> and delivers what changed. What the target holds already is not
        written again.
      </p>
      <Checkbox
        mt="sm"
        label="Read the source from the beginning, not only its changes"
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
      title="Pause"
      verb="Pause"
      reason="optional"
      busy={pause.isPending}
      error={pause.error}
      close={close}
      confirm={(reason) => pause.mutate(reason, { onSuccess: close })}
    >
      <p>
        <Plain>{name}</Plain> delivers nothing more until it is resumed. Its source is still read, and what gathers is
        delivered then.
      </p>
    </Confirm>
  )
}
