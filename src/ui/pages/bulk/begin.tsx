import { Button } from '@mantine/core'
import { type UseMutationResult, type UseQueryResult, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import { Refused } from '../../api/request.ts'
import type { BulkAction } from '../../api/types.ts'
import { t } from '../../texts/index.ts'

/** The hub refuses with this code when the selection changed after the preview. */
const STALE = 'CSW-8007'

/** What a bulk action would be about. */
export function usePreview<T>(path: string, filter: object, enabled = true): UseQueryResult<T> {
  // Counted once: a number that changes under the finger that confirms it would be worse than an old one that is refused.
  return useQuery({
    queryKey: ['preview', path, filter],
    queryFn: () => post<T>(path, { filter }),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
}

/** Confirms what a preview counted. Sent again because the answer was lost, it is the same request to the hub. */
export function useBulkAction(path: string): UseMutationResult<BulkAction, Error, object> {
  const [key] = useState(newKey)
  return useAction((body: object) => post<BulkAction>(path, body, { key }))
}

// `randomUUID` is for secure contexts only, and a hub may be served over plain HTTP.
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

type Counted = Pick<UseQueryResult, 'refetch'>

/** Where the selection has changed since it was counted: counts it once more. */
export function CountAgain({
  action,
  preview,
}: {
  action: Pick<UseMutationResult<unknown, Error, never>, 'error' | 'reset'>
  preview: Counted
}): ReactNode {
  if (!(action.error instanceof Refused && action.error.problem.code === STALE)) return null
  const countAgain = (): void => {
    action.reset()
    void preview.refetch()
  }
  return (
    <Button size="xs" variant="default" mt="xs" onClick={countAgain}>
      {t('bulk.countAgain')}
    </Button>
  )
}
