/** An API description in one shape, whatever it was written in. */
import type { JsonObject } from '../core/index.ts'
import type { Lookup, RawSchema } from './schema.ts'

export type Parameter = {
  name: string
  in: string
  required: boolean
  schema?: RawSchema
  /** The members of its object are parameters themselves (`style: form`, exploded). */
  spread?: boolean
}

export type Operation = {
  method: string
  /** As the description writes it: `/contacts/{id}`. */
  path: string
  /** What may stand before this path, where it has servers of its own. */
  prefixes?: string[]
  summary?: string
  parameters: Parameter[]
  body?: { schema: RawSchema; form: boolean }
  /** Schema of the answer that means success; absent where it has no body or none is described. */
  answer?: RawSchema
  /** What references in its schemas stand for. */
  lookup: Lookup
}

export type ApiDocument = {
  file: string
  title: string
  /** What each of its files says it is (`info`). */
  editions: { title: string; version: string }[]
  /** What may stand before the paths: base path, or path of a server. */
  prefixes: string[]
  operations: Operation[]
  security: Record<string, unknown>[]
  /** Paths at which tokens are got. */
  tokenPaths: string[]
  lookup: Lookup
  /** The description says of members which only answers have. */
  marksReadOnly: boolean
  /** It describes the sets of a service by name, wherever they are reached. */
  ofSets: boolean
  /** A GraphQL schema has no calls of its own: any document may be asked. */
  graphql?: (query: string) => GraphQLCall
}

/** A GraphQL document as the schema sees it. */
export type GraphQLCall = {
  /** Why the schema does not allow it; none where it does. */
  faults: string[]
  /** Why values of its variables are refused; none where they are taken. */
  refusals?: (variables: JsonObject) => string[]
  /** Its variables as body and its data as answer; absent where it is no document. */
  operation?: Operation
}
