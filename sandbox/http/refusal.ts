/** One fault of one field, for systems that list them. */
export type FieldProblem = { field: string; code: string; message: string }

/** A request the system says no to. Every stand-in words it in its own style. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown>
  readonly problems: FieldProblem[]

  constructor(
    status: number,
    code: string,
    message: string,
    details: Record<string, unknown> = {},
    problems: FieldProblem[] = [],
  ) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
    this.problems = problems
  }
}
