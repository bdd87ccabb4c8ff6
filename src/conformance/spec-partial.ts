/**
 * What a description that lacks something says about it. A description may be cut down, and only shows it by what it has: one that
 * names no query parameter of any call was written without them, one without a single PUT says nothing of changes by PUT. There
 * nothing can be said; everywhere else what is not described does not exist. Metadata of OData never names a service's own query
 * options, which are all without `$`.
 */
import type { ApiDocument } from '../apispec/index.ts'
import type { SpecVerdict } from './spec-walk.ts'

export const missing = {
  parameter: ({ operations, ofSets }: ApiDocument, name: string): SpecVerdict =>
    (!ofSets || name.startsWith('$')) &&
    operations.some(({ parameters }) => parameters.some((one) => one.in === 'query'))
      ? 'wrong'
      : 'unknown',
  request: ({ operations }: ApiDocument, method: string): SpecVerdict =>
    operations.some((one) => one.method === method) ? 'wrong' : 'unknown',
}
