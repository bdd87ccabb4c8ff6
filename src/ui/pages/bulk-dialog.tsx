import type { ReactNode } from 'react'
import type { DeadLetter, LetterPreview } from '../api/types.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Loading } from '../parts/list.tsx'
import { Mark } from '../parts/mark.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { number, rich, t } from '../texts/index.ts'
import { CountAgain, useBulkAction, usePreview } from './bulk/begin.tsx'

export type BulkFilter = Partial<
  Record<'code' | 'fingerprint' | 'sync' | 'connection' | 'kind' | 'recordId' | 'assignee' | 'before', string>
>

type Props = { verb: 'requeue' | 'discard'; filter: BulkFilter; close: () => void }

/** Counts first, then lets the hub act on exactly what was counted. */
export function BulkDialog({ verb, filter, close }: Props): ReactNode {
  const preview = usePreview<LetterPreview>('/dead-letters/preview', filter)
  const act = useBulkAction(`/dead-letters/${verb}`)
  const count = preview.data?.count ?? 0
  const confirm = (reason: string): void =>
    act.mutate({ filter, token: preview.data?.token, ...(reason ? { reason } : {}) }, { onSuccess: close })
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
      confirm={confirm}
    >
      {preview.error && <Trouble error={preview.error} retry={() => void preview.refetch()} />}
      {preview.data ? <Counted preview={preview.data} verb={verb} /> : preview.isPending && <Loading />}
      <CountAgain action={act} preview={preview} />
    </Confirm>
  )
}

function Counted({ preview, verb }: { preview: LetterPreview; verb: Props['verb'] }): ReactNode {
  return (
    <>
      <p>
        {rich('deadLetters.openDeadLettersMatch', {
          count: preview.count,
          strong: (text) => <b>{text}</b>,
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
