import {
  keepPreviousData,
  QueryClient,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { useMemo } from 'react'
import { asOf, useFeedState } from './feed.ts'
import { acted, useLive, useSelecting } from './live.ts'
import { Refused, request, withQuery } from './request.ts'
import type { Page } from './types.ts'

const POLL_MS = 4_000
const PAGE_SIZE = 50
/** 200 rows: more than that a browser draws slowly and nobody reads. */
const MOST_PAGES = 4

type Interval = { everyMs: number | false /** By the events of the hub. */; follows: boolean }

/** What says nothing of its own interval follows the events of the hub, and asks only while they do not come. */
function useInterval(everyMs: number | undefined): Interval {
  const isLive = useLive()
  const isSelecting = useSelecting()
  const isFed = useFeedState().state === 'following'
  // What happens while text is selected is asked for afterwards.
  if (!isLive || isSelecting) return { everyMs: false, follows: isLive }
  if (everyMs !== undefined) return { everyMs, follows: false }
  return { everyMs: isFed ? false : POLL_MS, follows: true }
}

/**
 * Polling stops by itself while the tab is hidden and goes on, also after errors, when it is seen: that is how the page heals
 * when the hub comes back. A failed request is not repeated at once; the next poll is the repetition.
 */
export const makeQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      // 'always': browsers that believe to be offline still reach a hub on this machine or network.
      queries: { retry: false, networkMode: 'always', staleTime: 1_000, refetchIntervalInBackground: false },
      mutations: { retry: false, networkMode: 'always' },
    },
  })

const answerOf = <T>(path: string) => ({
  queryKey: [path],
  queryFn: ({ signal }: { signal: AbortSignal }) => request<T>(path, { signal, asOf: asOf.value }),
})

/** Asks for what a page is about to show. An answer that does not come is the page's to tell of. */
export const askAhead = (client: QueryClient, paths: readonly string[]): Promise<unknown> =>
  Promise.all(paths.map((path) => client.prefetchQuery(answerOf(path))))

/** What `path` answers, kept fresh. Null asks nothing. */
export function useAnswer<T>(path: string | null, ownInterval?: number): UseQueryResult<T> {
  const interval = useInterval(ownInterval)
  return useQuery<T>({
    ...answerOf<T>(path ?? ''),
    enabled: path !== null,
    meta: { follows: interval.follows },
    refetchInterval: (query) => intervalOf(query.state.error, interval),
  })
}

/** What failed is tried again soon, whether or not an event tells of it; what is held stays so. */
function intervalOf(error: Error | null, { everyMs, follows }: Interval): number | false {
  if (error === null || isGone(error)) return error === null ? everyMs : false
  return follows ? POLL_MS : everyMs
}

/** A thing that does not exist will not appear by asking again and again. */
const isGone = (error: Error | null): boolean => error instanceof Refused && error.problem.status === 404

export type Pages<T> = UseInfiniteQueryResult<{ pages: Page<T>[] }> & { rows: T[] | undefined }

/** The cursors that led to a page, its own the last; the first page has none. The hub's cursors lead one way only. */
type Trail = string[]

/** A paged list, kept fresh. Of the pages that were asked for the last few stay: a list of a million rows is as light as a short one. */
export function usePages<T>(path: string, filter: Record<string, string | null>): Pages<T> {
  const interval = useInterval(undefined)
  const query = useInfiniteQuery({
    queryKey: [path, filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<T>>(withQuery(path, { ...filter, limit: PAGE_SIZE, cursor: pageParam.at(-1) }), {
        signal,
        asOf: asOf.value,
      }),
    initialPageParam: [] as Trail,
    getNextPageParam: (page, _pages, trail: Trail) => (page.next === null ? null : [...trail, page.next]),
    getPreviousPageParam: (_page, _pages, trail: Trail) => (trail.length ? trail.slice(0, -1) : null),
    maxPages: MOST_PAGES,
    placeholderData: keepPreviousData,
    meta: { follows: interval.follows },
    refetchInterval: (query) => intervalOf(query.state.error, interval),
  })
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  return { ...query, rows } as Pages<T>
}

/** Something that changes the hub; afterwards everything on the page is asked anew. */
export function useAction<Input, Output>(
  act: (input: Input) => Promise<Output>,
): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSettled: () => {
      asOf.set(null)
      acted.set(acted.value + 1)
      return client.invalidateQueries()
    },
  })
}

export const post = <T>(
  path: string,
  body: unknown = {},
  more: { patienceMs?: number; key?: string; signal?: AbortSignal } = {},
): Promise<T> => request<T>(path, { method: 'POST', body, ...more })
