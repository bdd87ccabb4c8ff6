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
import { useSyncExternalStore } from 'react'
import { Refused, request, withQuery } from './request.ts'
import { Signal } from './signal.ts'
import type { Page } from './types.ts'

const POLL_MS = 4_000
const PAGE_SIZE = 50
/** 200 rows: more than that a browser draws slowly and nobody reads. */
const MOST_PAGES = 4

/** Whether lists follow the hub by themselves; reading or copying is easier when they hold still (WCAG 2.2.2). */
export const live = new Signal(true)
export const useLive = (): boolean => useSyncExternalStore(live.subscribe, live.get)

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

/** What `path` answers, kept fresh. Null asks nothing. */
export function useAnswer<T>(path: string | null, everyMs: number = POLL_MS): UseQueryResult<T> {
  const isLive = useLive()
  return useQuery<T>({
    queryKey: [path],
    queryFn: ({ signal }) => request<T>(path ?? '', { signal }),
    enabled: path !== null,
    refetchInterval: (query) => (isLive && !isGone(query.state.error) ? everyMs : false),
  })
}

/** A thing that does not exist will not appear by asking again and again. */
const isGone = (error: Error | null): boolean => error instanceof Refused && error.problem.status === 404

export type Pages<T> = UseInfiniteQueryResult<{ pages: Page<T>[] }> & { rows: T[] | undefined }

/** The cursors that led to a page, its own the last; the first page has none. The hub's cursors lead one way only. */
type Trail = string[]

/** A paged list, kept fresh. Of the pages that were asked for the last few stay: a list of a million rows is as light as a short one. */
export function usePages<T>(path: string, filter: Record<string, string | null>): Pages<T> {
  const isLive = useLive()
  const query = useInfiniteQuery({
    queryKey: [path, filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<T>>(withQuery(path, { ...filter, limit: PAGE_SIZE, cursor: pageParam.at(-1) }), { signal }),
    initialPageParam: [] as Trail,
    getNextPageParam: (page, _pages, trail: Trail) => (page.next === null ? null : [...trail, page.next]),
    getPreviousPageParam: (_page, _pages, trail: Trail) => (trail.length ? trail.slice(0, -1) : null),
    maxPages: MOST_PAGES,
    placeholderData: keepPreviousData,
    refetchInterval: isLive ? POLL_MS : false,
  })
  return { ...query, rows: query.data?.pages.flatMap((page) => page.items) } as Pages<T>
}

/** Something that changes the hub; afterwards everything on the page is asked anew. */
export function useAction<Input, Output>(
  act: (input: Input) => Promise<Output>,
): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient()
  return useMutation({ mutationFn: act, onSettled: () => client.invalidateQueries() })
}

export const post = <T>(path: string, body: unknown = {}, patienceMs?: number): Promise<T> =>
  request<T>(path, { method: 'POST', body, ...(patienceMs === undefined ? {} : { patienceMs }) })
