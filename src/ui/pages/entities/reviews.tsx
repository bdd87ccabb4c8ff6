import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { readJson } from '../../api/json-text.ts'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import { withQuery } from '../../api/request.ts'
import type { EntityReview, Items } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { FilterChoice, Filters, FilterText } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { useFilters } from '../../routing/place.ts'
import { rich, t } from '../../texts/index.ts'
import { REVIEWS_SHOWN } from './open-reviews.tsx'
import { Pair } from './pair.tsx'

/** Pairs of records of which a person is to say whether they are the same. */
export function Reviews(): ReactNode {
  const { values, any, set, clear } = useFilters(['entity', 'state'])
  const reviews = useAnswer<Items<EntityReview>>(withQuery('/entity-reviews', { ...values, limit: REVIEWS_SHOWN }))
  const rows = reviews.data?.items
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('entities.reviews')}>
      <Panel title={t('entities.areTheseTheSame')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('entities.state')}
            none={t('entities.open')}
            value={values.state}
            choices={['confirmed', 'rejected', 'superseded']}
            onChange={(state) => set({ state })}
          />
          <FilterText label={t('entities.type')} value={values.entity} onChange={(entity) => set({ entity })} />
        </Filters>
        <List
          source={reviews}
          count={rows?.length}
          clear={clearAny}
          never={<p>{t('entities.nothingToReviewPairsAbout')}</p>}
        >
          <ul className="reviews">
            {rows?.map((review) => (
              <li key={review.id}>
                <Review review={review} />
              </li>
            ))}
          </ul>
          {rows?.length === REVIEWS_SHOWN && (
            <p className="dim">{t('entities.theFirstMoreComeAs', { count: REVIEWS_SHOWN })}</p>
          )}
        </List>
      </Panel>
    </Page>
  )
}

function Review({ review }: { review: EntityReview }): ReactNode {
  const [asked, setAsked] = useState<'confirm' | 'reject' | null>(null)
  return (
    <section aria-label={t('entities.review', { id: review.id })}>
      <div className="panel-head">
        <span>
          {rich('entities.points2', {
            state: <State state={review.state} />,
            name: <Plain>{review.entity}</Plain>,
            id: review.id,
            value: review.kind === 'duplicate' && t('entities.twiceInOneSystem'),
            value2: review.points ?? 0,
            time: <Ago at={review.createdAt} />,
            value3: review.actor && rich('entities.by2', { name: <Plain>{review.actor}</Plain> }),
          })}
        </span>
        {review.state === 'open' && (
          <Group gap={6}>
            <ActionButton needs="entities:decide" size="compact-sm" onClick={() => setAsked('confirm')}>
              {t('entities.theSame')}
            </ActionButton>
            <ActionButton
              needs="entities:decide"
              size="compact-sm"
              variant="default"
              onClick={() => setAsked('reject')}
            >
              {t('entities.two')}
            </ActionButton>
          </Group>
        )}
      </div>
      <Pair review={review} reasons={readJson(review.reasons) ?? []} />
      {asked && <Decision review={review} verdict={asked} close={() => setAsked(null)} />}
    </section>
  )
}

type DecisionProps = { review: EntityReview; verdict: 'confirm' | 'reject'; close: () => void }

function Decision({ review: { id, left, right, kind }, verdict, close }: DecisionProps): ReactNode {
  const decide = useAction((reason: string) => post(`/entity-reviews/${id}/${verdict}`, reason ? { reason } : {}))
  const names = [left, right].map(({ stream, id: record }) => `${stream} ${record}`)
  return (
    <Confirm
      title={verdict === 'confirm' ? t('entities.theyAreTheSame') : t('entities.theyAreTwo')}
      verb={verdict === 'confirm' ? t('entities.makeThemOne') : t('entities.keepThemApart')}
      reason="optional"
      busy={decide.isPending}
      error={decide.error}
      close={close}
      confirm={(reason) => decide.mutate(reason, { onSuccess: close })}
    >
      <p>
        <Plain>{names.join(' and ')}</Plain>
      </p>
      <p>{consequence(verdict, kind)}</p>
    </Confirm>
  )
}

function consequence(verdict: DecisionProps['verdict'], kind: EntityReview['kind']): string {
  if (verdict === 'reject') return t('entities.theyAreNeverProposedAgain')
  return kind === 'duplicate' ? t('entities.theirEntitiesBecomeOneThe') : t('entities.theirEntitiesBecomeOneThe2')
}
