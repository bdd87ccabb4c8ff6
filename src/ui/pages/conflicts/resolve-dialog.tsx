import { NativeSelect, Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { Conflict, ConflictPreview } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { CountAgain, useBulkAction, usePreview } from '../bulk/begin.tsx'
import { Value } from './value.tsx'

type Props = { conflict: Conflict; alike: boolean; close: () => void }
type Choice = 'from' | 'to' | 'value'

/** Says which side wins, for one conflict or for all of its sync and field. Acts on exactly those that were counted. */
export function ResolveDialog({ conflict, alike, close }: Props): ReactNode {
  const [choose, setChoose] = useState<Choice>('from')
  const [value, setValue] = useState('')
  const { sync, field } = conflict
  const filter = { sync, field }
  const same = usePreview<ConflictPreview>('/conflicts/preview', filter, alike)
  const count = alike ? (same.data?.count ?? 0) : 1
  const fault = choose === 'value' ? faultOf(value) : null
  const resolve = useAction((said: object) => post('/conflicts/resolve', { ids: [conflict.id], ...said }))
  const resolveAll = useBulkAction('/conflicts/resolve-all')
  const { isPending, error } = alike ? resolveAll : resolve
  const confirm = (reason: string): void => {
    const parsed = choose === 'value' ? { value: JSON.parse(value) as unknown } : {}
    const said = { choose, ...parsed, ...(reason ? { reason } : {}) }
    if (alike) resolveAll.mutate({ filter, token: same.data?.token, ...said }, { onSuccess: close })
    else resolve.mutate(said, { onSuccess: close })
  }
  return (
    <Confirm
      title={alike ? t('conflicts.decideAllOf', { field }) : t('conflicts.decide2', { field })}
      verb={t('conflicts.decide3', { count })}
      reason="optional"
      ready={count > 0 && fault === null && !same.isFetching}
      busy={isPending}
      error={error}
      close={close}
      confirm={confirm}
    >
      {same.error && <Trouble error={same.error} retry={() => void same.refetch()} />}
      <CountAgain action={resolveAll} preview={same} />
      <p>
        {rich('conflicts.theNextPushWritesThe', {
          value: alike ? <Alike sync={sync} field={field} count={same.data?.count} /> : <One conflict={conflict} />,
        })}
      </p>
      <NativeSelect
        label={t('conflicts.whatWins')}
        size="xs"
        mt="sm"
        value={choose}
        onChange={(event) => setChoose(event.currentTarget.value as Choice)}
        data={[
          { value: 'from', label: t('conflicts.theSideUnderFrom') },
          { value: 'to', label: t('conflicts.theSideUnderTo') },
          { value: 'value', label: t('conflicts.anotherValueForBoth') },
        ]}
      />
      {choose === 'value' && (
        <Textarea
          label={t('conflicts.valueAsJson')}
          description={t('conflicts.inTheWordsOfThe', { side: conflict.side })}
          size="xs"
          mt="sm"
          autosize
          spellCheck={false}
          value={value}
          error={value === '' ? null : fault}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
      )}
    </Confirm>
  )
}

const One = ({ conflict: { fromId, toId, fromValue, toValue } }: { conflict: Conflict }): ReactNode => (
  <>
    {rich('conflicts.saysSays', {
      name: <Plain>{fromId}</Plain>,
      value: <Value json={fromValue} />,
      name2: <Plain>{toId}</Plain>,
      value2: <Value json={toValue} />,
    })}
  </>
)

function Alike({ sync, field, count }: { sync: string; field: string; count: number | undefined }): ReactNode {
  if (count === undefined) return t('conflicts.counting')
  return (
    <>
      {rich('conflicts.openConflictsOfIn', {
        count,
        strong: (text) => <b>{text}</b>,
        name: <Plain>{field}</Plain>,
        name2: <Plain>{sync}</Plain>,
      })}
    </>
  )
}

/** Why a text cannot be sent as a value. A number that a double respells would reach the other side as another one. */
function faultOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'number' || String(value) === text.trim()) return null
    return t('conflicts.thisNumberWouldNotArrive')
  } catch (error) {
    return (error as Error).message
  }
}
