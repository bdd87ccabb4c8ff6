/** What a vendor refuses. `reason` tells validations apart; `field` is the parameter or member it is about. */
export class Refusal extends Error {
  readonly kind: ProblemKind
  readonly detail: { reason: string; field?: string; value?: unknown; id?: unknown; message: string }
  /** A request the vendor does not know: the connector is wrong, whatever the answer. */
  readonly alien: boolean

  constructor(kind: ProblemKind, detail: Omit<Refusal['detail'], 'message'> & { message?: string }, alien = false) {
    const message = detail.message ?? `${detail.reason}${detail.field ? `: ${detail.field}` : ''}`
    super(message)
    this.kind = kind
    this.detail = { ...detail, message }
    this.alien = alien
  }
}

/** What a vendor refuses, in its words. The names are what `errors` lists. */
export type ProblemKind =
  | 'unauthorized'
  | 'unknown_route'
  | 'not_found'
  | 'invalid'
  | 'duplicate'
  | 'conflict'
  | 'too_many'
  | 'expired'
  | 'throttled'
  | 'down'
