import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Pages } from '../api/queries.ts'

/** The way on through a list, and back to the pages that made room. */
export function More<T>({ pages, what }: { pages: Pages<T>; what: string }): ReactNode {
  if (!pages.hasNextPage && !pages.hasPreviousPage) return null
  return (
    <Group mt="xs" gap="xs">
      {pages.hasPreviousPage && (
        <Button
          size="xs"
          variant="default"
          loading={pages.isFetchingPreviousPage}
          onClick={() => void pages.fetchPreviousPage()}
        >
          Those before
        </Button>
      )}
      {pages.hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          {what}
        </Button>
      )}
    </Group>
  )
}
