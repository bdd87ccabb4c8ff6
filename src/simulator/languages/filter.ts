/** A condition a request is made of: one comparison, or several joined. A list of lists is groups, of which one must hold. */
export type Filter =
  | { path: string; op: string; value?: unknown }
  | { and: Filter[] }
  | { or: Filter[] }
  | { not: Filter }
  | Filter[]
