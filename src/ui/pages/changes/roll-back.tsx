import { Checkbox } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import { request, withQuery } from '../../api/request.ts'
import type { ConfigurationDifferences, PlannedItemChange, RollBackPlan } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loading } from '../../parts/list.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { go } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { number, t, word } from '../../texts/index.ts'
import { FileDifference } from './file-difference.tsx'
import { ChangeOf } from './versions.tsx'

/** Recorded inputs go through both texts of each mapping that changes. */
const PLAN_PATIENCE_MS = 125_000

/**
 * Shows what going back means before it is done. What is applied is what was shown: the hub refuses it by name when files or what is in
 * force have moved since (CSW-8024).
 */
export function RollBack({ version, close }: { version: number; close: () => void }): ReactNode {
  const path = `/configuration/versions/${version}/plan`
  // Asked once: a plan that changes under the eyes of who reads it would be another one than what is confirmed.
  const plan = useQuery<RollBackPlan>({
    queryKey: ['roll-back', path],
    queryFn: ({ signal }) => request(path, { signal, patienceMs: PLAN_PATIENCE_MS }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  const [agreed, setAgreed] = useState(false)
  const apply = useAction((reason: string) => {
    const { basis, rollBack } = plan.data!
    const { files } = rollBack
    const body = { basis, rollBack: { version, files }, allowDestructive: agreed, ...(reason ? { reason } : {}) }
    return post('/configuration/apply', body, { patienceMs: PLAN_PATIENCE_MS })
  })
  const removed = plan.data?.configuration.filter(isRemoval) ?? []
  const nothing = plan.data !== undefined && plan.data.rollBack.changes.length === 0
  return (
    <Confirm
      title={t('versions.backTo', { version })}
      verb={t('versions.goBack')}
      reason="optional"
      danger
      wide
      ready={plan.data !== undefined && !nothing && (removed.length === 0 || agreed)}
      busy={apply.isPending}
      error={apply.error}
      close={close}
      confirm={(reason) => apply.mutate(reason, { onSuccess: () => go(to.changes) })}
    >
      {plan.isPending && <Loading />}
      {plan.error && <Trouble error={plan.error} />}
      {nothing && <p>{t('versions.itsFilesAreThoseInForce')}</p>}
      {plan.data && !nothing && <Preview plan={plan.data} />}
      {removed.length > 0 && (
        <Checkbox
          mt="sm"
          checked={agreed}
          onChange={(event) => setAgreed(event.currentTarget.checked)}
          label={t('versions.removeThem', { names: removed.map(({ name }) => name).join(', ') })}
        />
      )}
    </Confirm>
  )
}

/** A connector leaves with its last connection and takes nothing with it. */
const isRemoval = ({ kind, change }: PlannedItemChange): boolean => kind !== 'connector' && change === 'removed'

function Preview({ plan: { configuration, rollBack } }: { plan: RollBackPlan }): ReactNode {
  const { version, inForce, changes } = rollBack
  const lines = useAnswer<ConfigurationDifferences>(
    withQuery(`/configuration/versions/${inForce}/differences`, { to: version }),
  )
  return (
    <>
      <p>{t('versions.filesAreWritten', { count: changes.length })}</p>
      <h3>{t('versions.whatTheHubThenWorksWith')}</h3>
      {configuration.length === 0 && <p className="dim">{t('versions.onlyFiles')}</p>}
      <ul>
        {configuration.map((change) => (
          <li key={`${change.kind} ${change.name}`}>
            <ChangeOf name={`${word('words', change.kind)} ${change.name}`} change={change.change} />
            <Particulars {...change} />
          </li>
        ))}
      </ul>
      <h3>{t('versions.files')}</h3>
      {lines.error && <Trouble error={lines.error} />}
      {lines.data?.files.map((file) => (
        <FileDifference key={file.path} file={file} />
      ))}
    </>
  )
}

function Particulars({ change, fields, effect }: PlannedItemChange): ReactNode {
  const names = fields.map(({ field }) => field).join(', ')
  return (
    <>
      {change === 'changed' && names !== '' && (
        <p className="dim">
          <Plain>{names}</Plain>
        </p>
      )}
      {effect && (
        <p>{t('versions.comeOutDifferently', { changed: number(effect.changed), records: number(effect.records) })}</p>
      )}
    </>
  )
}
