import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useEffect, useId, useMemo, useState } from 'react'
import { post } from '../../api/queries.ts'
import type { Trial } from '../../api/types.ts'
import { SETTLE_MS } from './settle.ts'

const TESTS_SETTLE_MS = 600

/** `joins`: joined records as JSON text; the hub looks them up where there are none. */
export type TrialInput = (({ record: string } | { input: string; record?: string }) & { joins?: string }) | null

/** What the hub makes of the text and the record, a moment after either has changed. */
export function useTrial(sync: string, mapping: string | undefined, input: TrialInput): UseQueryResult<Trial> {
  const body = useMemo(() => ({ mapping, ...input }), [mapping, input])
  return useSettled(sync, body, SETTLE_MS)
}

/** The tests of the text; apart, so that slow ones keep nobody from seeing the output. */
export function useTests(sync: string, mapping: string | undefined): UseQueryResult<Trial> {
  const body = useMemo(() => ({ mapping, tests: true }), [mapping])
  return useSettled(sync, body, TESTS_SETTLE_MS)
}

type Body = { mapping: string | undefined; record?: string; input?: string; joins?: string; tests?: boolean }

/** `body` is the same object while nothing in it changes. */
function useSettled(sync: string, body: Body, settleMs: number): UseQueryResult<Trial> {
  const id = useId()
  // A number stands for what is asked: a record of 100 kB in the key would be written out with every drawing of the page.
  const [settled, setSettled] = useState({ body, turn: 0 })
  useEffect(() => {
    const timer = setTimeout(
      () => setSettled((before) => (before.body === body ? before : { body, turn: before.turn + 1 })),
      settleMs,
    )
    return () => clearTimeout(timer)
  }, [body, settleMs])
  return useQuery<Trial>({
    queryKey: ['try', sync, id, settled.turn],
    // What is typed meanwhile makes the answer one that nobody waits for: the hub is told so.
    queryFn: ({ signal }) => post<Trial>(`/syncs/${encodeURIComponent(sync)}/try`, settled.body, { signal }),
    enabled: settled.body.mapping !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}
