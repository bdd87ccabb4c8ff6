import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { post, useAction } from '../api/queries.ts'
import { Refused } from '../api/request.ts'
import type { DeadLetter, Preview } from '../api/types.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Loading } from '../parts/list.tsx'
import { Mark } from '../parts/mark.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { Trouble } from '../parts/trouble.tsx'

export type BulkFilter = Partial<
  Record<'code' | 'fingerprint' | 'sync' | 'connection' | 'kind' | 'recordId' | 'assignee' | 'before', string>
>

type Props = { verb: 'requeue' | 'discard'; filter: BulkFilter; close: () => void }

/** The hub refuses with this code when the selection changed after the preview. */
const STALE = 'CSW-8007'

/** Counts first, then acts on exactly what was counted. */
export function BulkDialog({ verb, filter, close }: Props): ReactNode {
  // Counted once: a number that changes under the finger that confirms it would be worse than an old one that is refused.
  const preview = useQuery({
    queryKey: ['preview', verb, filter],
    queryFn: () => post<Preview>('/dead-letters/preview', { filter }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  const act = useAction((reason: string) =>
    post<object>(`/dead-letters/${verb}`, { filter, token: preview.data?.token, ...(reason ? { reason } : {}) }),
  )
  const count = preview.data?.count ?? 0
  const stale = act.error instanceof Refused && act.error.problem.code === STALE
  const countAgain = (): void => {
    act.reset()
    void preview.refetch()
  }
  return (
    <Confirm
      title={verb === 'requeue' ? 'Try these again' : 'Give these up'}
      verb={`${verb === 'requeue' ? 'Requeue' : 'Discard'} ${count.toLocaleString()}`}
      danger={verb === 'discard'}
      reason={verb === 'discard' ? 'required' : 'optional'}
      ready={count > 0 && !preview.isFetching}
      busy={act.isPending}
      error={act.error}
      close={close}
      confirm={(reason) => act.mutate(reason, { onSuccess: close })}
    >
      {preview.error && <Trouble error={preview.error} retry={countAgain} />}
      {preview.data ? <Counted preview={preview.data} verb={verb} /> : preview.isPending && <Loading />}
      {stale && (
        <Button size="xs" variant="default" mt="xs" onClick={countAgain}>
          Count again
        </Button>
      )}
    </Confirm>
  )
}

function Counted({ preview, verb }: { preview: Preview; verb: Props['verb'] }): ReactNode {
  return (
    <>
      <p>
        <b>{preview.count.toLocaleString()}</b> open dead letters match
        {preview.limited && '; there are more, and one action takes no more than this'}.{' '}
        {verb === 'requeue'
          ? 'Each is tried with the present record and the present mapping.'
          : 'They are not delivered until their record changes in the source.'}
      </p>
      <ul className="by-code">
        {Object.entries(preview.byCode).map(([code, count]) => (
          <li key={code}>
            <code>{code}</code> {count.toLocaleString()}
          </li>
        ))}
      </ul>
      {verb === 'requeue' && preview.duplicateRisk > 0 && (
        <p>
          <Mark tone="warn">
            {preview.duplicateRisk.toLocaleString()} may have reached the target already; look there before you try
            again.
          </Mark>
        </p>
      )}
      {preview.sample.length > 0 && (
        <details>
          <summary>The oldest {preview.sample.length}</summary>
          <ul className="sample">
            {preview.sample.map((letter) => (
              <li key={letter.id}>
                <Sample letter={letter} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

const Sample = ({ letter }: { letter: DeadLetter }): ReactNode => (
  <>
    <Plain>{letter.recordId ?? String(letter.id)}</Plain> <ErrorLine error={letter.error} />
  </>
)
