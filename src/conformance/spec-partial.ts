/**
 * What a description that lacks something says about it. A description may be cut down, and only shows it by what it has: one that
 * names no query parameter of any call was written without them, one without a single PUT says nothing of changes by PUT. There
 * nothing can be said; everywhere else what is not described does not exist. Metadata of OData never names a service's own query
 * options, which are all without `$`.
 */
import { type ApiDocument, namesOf, type Operation, typeOfSchema } from '../apispec/index.ts'
import type { SpecRow, SpecVerdict } from './spec-rows.ts'

export const missing = {
  parameter: ({ operations, ofSets }: ApiDocument, name: string): SpecVerdict =>
    (!ofSets || name.startsWith('$')) &&
    operations.some(({ parameters }) => parameters.some((one) => one.in === 'query'))
      ? 'wrong'
      : 'unknown',
  request: ({ operations }: ApiDocument, method: string): SpecVerdict =>
    operations.some((one) => one.method === method) ? 'wrong' : 'unknown',
}

/**
 * Where the next page begins, read from a member that the answer does not name: unknown where another list has it, and is read with
 * a parameter that this call takes as well. The one place that a list is told to go on from must come from somewhere.
 */
export function doubtPlaces(rows: SpecRow[], calls: readonly Operation[], { operations }: ApiDocument): void {
  for (const row of rows) {
    const name = row.name.split('.').at(-1)!
    if (row.verdict !== 'wrong' || row.name.split('.').length !== 2) continue
    const others = operations.filter(
      (one) => one.method === 'GET' && one.answer && namesOf(typeOfSchema(one.answer, one.lookup)).includes(name),
    )
    const taken = new Set(calls.flatMap(queryOf))
    const shared = others.find((one) =>
      queryOf(one).some((parameter) => taken.has(parameter) && name.includes(parameter)),
    )
    if (shared)
      Object.assign(row, { verdict: 'unknown', detail: `the answer does not name it; that of ${shared.path} does` })
  }
}

const queryOf = ({ parameters }: Operation): string[] =>
  parameters.filter((one) => one.in === 'query').map(({ name }) => name)
