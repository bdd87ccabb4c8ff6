import { NativeSelect, Textarea } from '@mantine/core'
import { memo, type ReactNode, useEffect, useMemo, useState } from 'react'
import { indentJson } from '../../api/json-text.ts'
import { useAnswer } from '../../api/queries.ts'
import type { DeadLetterDetail, Items, NewestRecord } from '../../api/types.ts'
import { FilterText } from '../../parts/filters.tsx'
import { Panel } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { useFilters } from '../../routing/place.ts'
import { t } from '../../texts/index.ts'
import type { TrialInput } from './use-trial.ts'

export type ChosenRecord = {
  input: TrialInput
  pasted: string | null
  paste: (text: string | null) => void
  /** Joined records that somebody wrote; null where the hub looks them up. */
  joins: string | null
  join: (text: string | null) => void
  error: Error | null
}

/** The record that is mapped: of the source, of a dead letter, or pasted. The first two stand in the address. */
export function useChosenRecord(): ChosenRecord {
  const { values } = useFilters(['record', 'letter'])
  const [pasted, paste] = useState<string | null>(null)
  const [joins, join] = useState<string | null>(null)
  const letter = useAnswer<DeadLetterDetail>(
    values.letter ? `/dead-letters/${encodeURIComponent(values.letter)}` : null,
  )
  const body = letter.data?.input?.text
  // What failed is tried as it was then, and can be edited from there.
  useEffect(() => {
    if (body !== undefined) paste(indentJson(body))
  }, [body])
  const recordId = values.record ?? letter.data?.recordId ?? null
  const { record } = values
  const { error } = letter
  return useMemo(
    () => ({ input: withJoins(inputOf(pasted, record, recordId), joins), pasted, paste, joins, join, error }),
    [pasted, record, recordId, joins, error],
  )
}

const withJoins = (input: TrialInput, joins: string | null): TrialInput =>
  input === null || joins === null || joins.trim() === '' ? input : { ...input, joins }

function inputOf(pasted: string | null, record: string | null, recordId: string | null): TrialInput {
  if (pasted === null) return record === null ? null : { record }
  if (pasted.trim() === '') return null
  return { input: pasted, ...(recordId === null ? {} : { record: recordId }) }
}

/** Drawn anew for another record only: to measure a field of 100 kB takes longer than to map what is in it. */
export const RecordPicker = memo(function RecordPicker({
  sync,
  chosen,
}: {
  sync: string
  chosen: ChosenRecord
}): ReactNode {
  const { values, set } = useFilters(['record', 'letter'])
  const newest = useAnswer<Items<NewestRecord>>(`/syncs/${encodeURIComponent(sync)}/newest-records`, 60_000)
  const ids = newest.data?.items.map(({ id }) => id) ?? []
  const choose = (record: string | null): void => {
    chosen.paste(null)
    chosen.join(null)
    set({ record, letter: null })
  }
  return (
    <Panel title={t('playground.record')}>
      <search className="filters">
        <NativeSelect
          label={t('playground.newestOfTheSource')}
          size="xs"
          value={values.record ?? ''}
          onChange={(event) => choose(event.currentTarget.value || null)}
          data={[
            { value: '', label: t('playground.chooseOne') },
            ...(values.record !== null && !ids.includes(values.record) ? [values.record, ...ids] : ids),
          ]}
        />
        <FilterText label={t('playground.orByItsId')} value={values.record} onChange={choose} />
      </search>
      {values.letter && <p className="dim">{t('playground.asDeadLetterKeptIt', { letter: values.letter })}</p>}
      {chosen.error && <Trouble error={chosen.error} />}
      <Textarea
        label={t('playground.orAnyRecordAsJson')}
        size="xs"
        autosize
        minRows={3}
        maxRows={14}
        maxLength={1_000_000}
        spellCheck={false}
        styles={{ input: { fontFamily: 'monospace' } }}
        value={chosen.pasted ?? ''}
        onChange={(event) => chosen.paste(event.currentTarget.value || null)}
      />
    </Panel>
  )
})
