import { TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { EntityDetail } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loading } from '../../parts/list.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { SideBySide } from './side-by-side.tsx'

type Props = { entity: EntityDetail; close: () => void }

/** Takes another entity into this one; shows both before. */
export function MergeDialog({ entity, close }: Props): ReactNode {
  const [words, setWords] = useState('')
  const path = `/entities/${encodeURIComponent(entity.entity)}`
  const number = /^\d{1,15}$/.test(words.trim()) ? Number(words) : null
  const chosen = number === entity.id ? null : number
  const other = useAnswer<EntityDetail>(chosen === null ? null : `${path}/${chosen}`)
  const merge = useAction((reason: string) =>
    post(`${path}/${entity.id}/merge`, { from: chosen, ...(reason ? { reason } : {}) }),
  )
  const there = chosen === null ? undefined : other.data
  return (
    <Confirm
      title={t('entities.mergeAnotherEntityIntoThis')}
      verb={t('entities.merge')}
      reason="optional"
      wide
      ready={there !== undefined}
      busy={merge.isPending}
      error={merge.error}
      close={close}
      confirm={(reason) => merge.mutate(reason, { onSuccess: close })}
    >
      <TextInput
        label={t('entities.numberOfTheOther', { entity: entity.entity })}
        size="xs"
        inputMode="numeric"
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        error={chosen === null && words !== '' ? t('entities.theNumberOfAnother') : null}
      />
      {chosen !== null && other.error && <Trouble error={other.error} />}
      {chosen !== null && !there && other.isPending && <Loading />}
      {there && (
        <>
          <p>
            {rich('entities.recordsComeOver', {
              count: there.records.length,
              name: <Plain>{there.records.map(({ stream, id }) => `${stream} ${id}`).join(', ')}</Plain>,
              entity: doubled(entity, there),
            })}
          </p>
          <SideBySide entity={{ ...entity, records: [...entity.records, ...there.records] }} />
        </>
      )}
    </Confirm>
  )
}

/** Systems in which both have a record: the one that comes is a duplicate there from now on. */
function doubled(entity: EntityDetail, there: EntityDetail): string {
  const own = new Set(entity.records.filter(({ alias }) => !alias).map(({ stream }) => stream))
  const both = there.records.filter(({ stream }) => own.has(stream)).map(({ stream }) => stream)
  return both.length ? t('entities.bothHaveARecordIn', { both: both.join(', ') }) : ''
}
