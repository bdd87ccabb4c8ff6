import { NativeSelect, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import { request, withQuery } from '../../api/request.ts'
import type { Conflict, Page } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { Value } from './value.tsx'

type Props = { conflict: Conflict; alike: boolean; close: () => void }
type Choice = 'from' | 'to' | 'value'
/** What one decision takes; the rest stays for the next. */
const MOST = 500

/** Says which side wins, for one conflict or for all of its sync and field. Acts on those that were counted, by number. */
export function ResolveDialog({ conflict, alike, close }: Props): ReactNode {
  const [choose, setChoose] = useState<Choice>('from')
  const [value, setValue] = useState('')
  const { sync, field } = conflict
  const same = useQuery({
    queryKey: ['alike', sync, field],
    queryFn: () => request<Page<Conflict>>(withQuery('/conflicts', { sync, field, limit: MOST })),
    enabled: alike,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  const chosen = alike ? (same.data?.items ?? []) : [conflict]
  const fault = choose === 'value' ? faultOf(value) : null
  const resolve = useAction((reason: string) =>
    post('/conflicts/resolve', {
      ids: chosen.map(({ id }) => id),
      choose,
      ...(choose === 'value' ? { value: JSON.parse(value) as unknown } : {}),
      ...(reason ? { reason } : {}),
    }),
  )
  return (
    <Confirm
      title={alike ? t('conflicts.decideAllOf', { field }) : t('conflicts.decide2', { field })}
      verb={t('conflicts.decide3', { count: chosen.length })}
      reason="optional"
      ready={chosen.length > 0 && fault === null}
      busy={resolve.isPending}
      error={resolve.error}
      close={close}
      confirm={(reason) => resolve.mutate(reason, { onSuccess: close })}
    >
      {same.error && <Trouble error={same.error} />}
      <p>
        {rich('conflicts.theNextPushWritesThe', {
          value: alike ? <Alike sync={sync} field={field} page={same.data} /> : <One conflict={conflict} />,
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

function Alike({ sync, field, page }: { sync: string; field: string; page: Page<Conflict> | undefined }): ReactNode {
  if (!page) return t('conflicts.counting')
  return (
    <>
      {rich('conflicts.openConflictsOfIn', {
        count: page.items.length,
        strong: (text) => <b>{text}</b>,
        name: <Plain>{field}</Plain>,
        name2: <Plain>{sync}</Plain>,
        value: page.next !== null && t('conflicts.thereAreMoreAndOne'),
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
