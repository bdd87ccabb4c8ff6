import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { currentIdentity } from '../../api/identity.ts'
import { credentialsOf, headersOf, Refused } from '../../api/request.ts'
import type { ApiProblem } from '../../api/types.ts'

type Operation = { operationId?: string; summary?: string; description?: string; tags?: string[] }
export type ApiDocument = { paths: Record<string, Record<string, Operation>> }

/** The hub's description of its API. It changes with the version of the hub only, so it is asked for once. */
export const useDocument = (): UseQueryResult<ApiDocument> =>
  useQuery({ queryKey: ['/openapi.json'], queryFn: ({ signal }) => read(signal), staleTime: Number.POSITIVE_INFINITY })

/** Not by `request`: that keeps bodies of records as text, by names of fields that this document describes. */
async function read(signal: AbortSignal): Promise<ApiDocument> {
  const identity = currentIdentity()
  const response = await fetch('/openapi.json', {
    headers: headersOf(identity),
    credentials: credentialsOf(identity),
    signal,
  })
  if (!response.ok) throw new Refused((await response.json()) as ApiProblem)
  return (await response.json()) as ApiDocument
}

/** How the operations that have all words of a search are called: `get /api/v1/runs`. */
export function operationsWith({ paths }: ApiDocument, search: string): Set<string> {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const found = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method, { operationId, summary, description, tags }]) => {
        const text = [method, path, operationId, summary, description, ...(tags ?? [])].join(' ').toLowerCase()
        return words.every((word) => text.includes(word))
      })
      .map(([method]) => `${method} ${path}`),
  )
  return new Set(found)
}
