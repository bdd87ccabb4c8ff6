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
import { REVIEWS_SHOWN } from './open-reviews.tsx'
import { Pair } from './pair.tsx'

/** Pairs of records of which a person is to say whether they are the same. */
export function Reviews(): ReactNode {
  const { values, any, set, clear } = useFilters(['entity', 'state'])
  const reviews = useAnswer<Items<EntityReview>>(withQuery('/entity-reviews', { ...values, limit: REVIEWS_SHOWN }))
  const rows = reviews.data?.items
  const clearAny = any ? clear : undefined
  return (
    <Page title="Reviews">
      <Panel title="Are these the same?">
        <Filters clear={clearAny}>
          <FilterChoice
            label="State"
            none="open"
            value={values.state}
            choices={['confirmed', 'rejected', 'superseded']}
            onChange={(state) => set({ state })}
          />
          <FilterText label="Type" value={values.entity} onChange={(entity) => set({ entity })} />
        </Filters>
        <List
          source={reviews}
          count={rows?.length}
          clear={clearAny}
          never={<p>Nothing to review. Pairs about which the rules of an entity file are not certain would be here.</p>}
        >
          <ul className="reviews">
            {rows?.map((review) => (
              <li key={review.id}>
                <Review review={review} />
              </li>
            ))}
          </ul>
          {rows?.length === REVIEWS_SHOWN && <p className="dim">The first {REVIEWS_SHOWN}; more come as these go.</p>}
        </List>
      </Panel>
    </Page>
  )
}

function Review({ review }: { review: EntityReview }): ReactNode {
  const [asked, setAsked] = useState<'confirm' | 'reject' | null>(null)
  return (
    <section aria-label={`Review ${review.id}`}>
      <div className="panel-head">
        <span>
          <State state={review.state} /> <Plain>{review.entity}</Plain> {review.id}
          {review.kind === 'duplicate' && ' · twice in one system'} · {review.points ?? '–'} points ·{' '}
          <Ago at={review.createdAt} />
          {review.actor && (
            <>
              {' '}
              · by <Plain>{review.actor}</Plain>
            </>
          )}
        </span>
        {review.state === 'open' && (
          <Group gap={6}>
            <ActionButton needs="entities:decide" size="compact-sm" onClick={() => setAsked('confirm')}>
              The same…
            </ActionButton>
            <ActionButton
              needs="entities:decide"
              size="compact-sm"
              variant="default"
              onClick={() => setAsked('reject')}
            >
              Two…
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
      title={verdict === 'confirm' ? 'They are the same' : 'They are two'}
      verb={verdict === 'confirm' ? 'Make them one' : 'Keep them apart'}
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
  if (verdict === 'reject') return 'They are never proposed again. Creates that waited for the answer go on.'
  return kind === 'duplicate'
    ? 'Their entities become one; the second counts as a duplicate of the first in that system. Nothing is deleted there.'
    : 'Their entities become one: the next push updates the record that is there instead of making another.'
}
