import { Checkbox } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { EntityDetail } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { t } from '../../texts/index.ts'

type Props = { entity: EntityDetail; close: () => void }
const keyOf = ({ stream, id }: { stream: string; id: string }): string => `${stream} ${id}`

/** Takes records out of an entity; says which stay and which go before. */
export function SplitDialog({ entity, close }: Props): ReactNode {
  const [out, setOut] = useState<ReadonlySet<string>>(new Set())
  const going = entity.records.filter((record) => out.has(keyOf(record)))
  const staying = entity.records.filter((record) => !out.has(keyOf(record)))
  const split = useAction((reason: string) =>
    post(`/entities/${encodeURIComponent(entity.entity)}/${entity.id}/split`, {
      records: going.map(({ stream, id }) => ({ stream, id })),
      ...(reason ? { reason } : {}),
    }),
  )
  const toggle = (key: string, wanted: boolean): void => {
    const next = new Set(out)
    if (wanted) next.add(key)
    else next.delete(key)
    setOut(next)
  }
  return (
    <Confirm
      title={t('entities.takeRecordsOutOfThis')}
      verb={t('entities.split2')}
      reason="optional"
      ready={going.length > 0 && staying.length > 0}
      busy={split.isPending}
      error={split.error}
      close={close}
      confirm={(reason) => split.mutate(reason, { onSuccess: close })}
    >
      {entity.records.map((record) => (
        <Checkbox
          key={keyOf(record)}
          size="xs"
          mb={6}
          label={<Plain>{keyOf(record)}</Plain>}
          description={<Plain>{Object.values(record.fields).flat().join(' · ') || '–'}</Plain>}
          checked={out.has(keyOf(record))}
          onChange={(event) => toggle(keyOf(record), event.currentTarget.checked)}
        />
      ))}
      <p aria-live="polite">
        {going.length === 0
          ? t('entities.chooseThoseThatAreSomething')
          : staying.length === 0
            ? t('entities.oneRecordAtLeastHas')
            : t('entities.becomeAnEntityOfTheir', { going: names(going), staying: names(staying) })}
      </p>
    </Confirm>
  )
}

const names = (records: EntityDetail['records']): string => records.map(keyOf).join(', ')
