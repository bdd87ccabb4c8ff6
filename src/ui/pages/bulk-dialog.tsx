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
import { number, rich, t } from '../texts/index.ts'

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
      title={verb === 'requeue' ? t('deadLetters.tryTheseAgain') : t('deadLetters.giveTheseUp')}
      verb={verb === 'requeue' ? t('deadLetters.requeueCount', { count }) : t('deadLetters.discardCount', { count })}
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
          {t('deadLetters.countAgain')}
        </Button>
      )}
    </Confirm>
  )
}

function Counted({ preview, verb }: { preview: Preview; verb: Props['verb'] }): ReactNode {
  return (
    <>
      <p>
        {rich('deadLetters.openDeadLettersMatch', {
          count: preview.count,
          strong: (text) => <b>{text}</b>,
          value: preview.limited && t('deadLetters.thereAreMoreAndOne'),
          value2: verb === 'requeue' ? t('deadLetters.eachIsTriedWithThe') : t('deadLetters.theyAreNotDeliveredUntil'),
        })}
      </p>
      <ul className="by-code">
        {Object.entries(preview.byCode).map(([code, count]) => (
          <li key={code}>
            <code>{code}</code> {number(count)}
          </li>
        ))}
      </ul>
      {verb === 'requeue' && preview.duplicateRisk > 0 && (
        <p>
          <Mark tone="warn">{t('deadLetters.mayHaveReachedTheTarget', { duplicateRisk: preview.duplicateRisk })}</Mark>
        </p>
      )}
      {preview.sample.length > 0 && (
        <details>
          <summary>{t('deadLetters.theOldest', { count: preview.sample.length })}</summary>
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
