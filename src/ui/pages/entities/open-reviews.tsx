import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import { withQuery } from '../../api/request.ts'
import type { EntityReview, Items } from '../../api/types.ts'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'

export const REVIEWS_SHOWN = 100

/** How many pairs wait for a person, as the way to them. */
export function OpenReviews({ entity }: { entity: string | null }): ReactNode {
  const answer = useAnswer<Items<EntityReview>>(withQuery('/entity-reviews', { entity, limit: REVIEWS_SHOWN }), 15_000)
  const count = answer.data?.items.length
  if (count === undefined) return null
  return (
    <Link href={to.reviews(entity)}>
      {count === 0
        ? t('entities.noOpenReview')
        : t('entities.openReviews', { count, value: count === REVIEWS_SHOWN ? '+' : '' })}
    </Link>
  )
}
