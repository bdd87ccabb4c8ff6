import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Pages } from '../api/queries.ts'

/** Fetches the next page of a list, where there is one. */
export function More<T>({ pages, what }: { pages: Pages<T>; what: string }): ReactNode {
  if (!pages.hasNextPage) return null
  return (
    <Button
      mt="xs"
      size="xs"
      variant="default"
      loading={pages.isFetchingNextPage}
      onClick={() => void pages.fetchNextPage()}
    >
      {what}
    </Button>
  )
}
