import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { post } from '../../api/queries.ts'
import type { Trial } from '../../api/types.ts'

/** How long nothing is typed before the hub is asked. */
const SETTLE_MS = 150
const TESTS_SETTLE_MS = 600

export type TrialInput = { record: string } | { input: string; record?: string } | null

/** What the hub makes of the text and the record, a moment after either has changed. */
export function useTrial(sync: string, mapping: string | undefined, input: TrialInput): UseQueryResult<Trial> {
  return useSettled(sync, { mapping, ...input }, SETTLE_MS)
}

/** The tests of the text; apart, so that slow ones keep nobody from seeing the output. */
export function useTests(sync: string, mapping: string | undefined): UseQueryResult<Trial> {
  return useSettled(sync, { mapping, tests: true }, TESTS_SETTLE_MS)
}

type Body = { mapping: string | undefined; record?: string; input?: string; tests?: boolean }

function useSettled(sync: string, body: Body, settleMs: number): UseQueryResult<Trial> {
  const wanted = JSON.stringify(body)
  const [settled, setSettled] = useState(wanted)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wanted), settleMs)
    return () => clearTimeout(timer)
  }, [wanted, settleMs])
  return useQuery<Trial>({
    queryKey: ['try', sync, settled],
    queryFn: () => post<Trial>(`/syncs/${encodeURIComponent(sync)}/try`, JSON.parse(settled)),
    enabled: body.mapping !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}
