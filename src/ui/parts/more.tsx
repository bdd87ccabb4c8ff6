import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { acted } from '../api/live.ts'
import type { Pages } from '../api/queries.ts'
import { t } from '../texts/index.ts'

/** The way on through a list, and back to the pages that made room. */
export function More<T>({ pages, what }: { pages: Pages<T>; what: string }): ReactNode {
  if (!pages.hasNextPage && !pages.hasPreviousPage) return null
  const go = (fetchPage: () => Promise<unknown>): void => {
    // Who asks for other rows wants to see them, also where rows hold still.
    acted.set(acted.value + 1)
    void fetchPage()
  }
  return (
    <Group mt="xs" gap="xs">
      {pages.hasPreviousPage && (
        <Button
          size="xs"
          variant="default"
          loading={pages.isFetchingPreviousPage}
          onClick={() => go(pages.fetchPreviousPage)}
        >
          {t('parts.thoseBefore')}
        </Button>
      )}
      {pages.hasNextPage && (
        <Button size="xs" variant="default" loading={pages.isFetchingNextPage} onClick={() => go(pages.fetchNextPage)}>
          {what}
        </Button>
      )}
    </Group>
  )
}
