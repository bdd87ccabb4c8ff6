import { z } from 'zod'

const MAX_TEXT = 1_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one that is meant.
const WITHOUT_NUL = /^[^\u0000]*$/

/** Text as the API takes it. */
export const text = (description: string) =>
  z
    .string()
    .min(1)
    .max(MAX_TEXT)
    // As the API: no U+0000, which Postgres does not take.
    .regex(WITHOUT_NUL)
    .describe(description)

export const syncName = text('Name of a sync.')
export const connectionName = text('Name of a connection.')
export const streamName = text('A stream, as connection:stream, like crm:contacts.')
export const number = (description: string) => z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe(description)
export const reason = text('Why. Kept in the audit.')

/** A page of a list. */
export const page = {
  limit: z.int().min(1).max(100).optional().describe('How many; 20 unless told.'),
  cursor: text('The `next` of the page before.').optional(),
}
export const DEFAULT_LIMIT = 20

/** Which dead letters are meant. */
export const letters = {
  code: text('Only this error code, like CSW-3008.').optional(),
  fingerprint: text('Only this cause, as list_problems names it.').optional(),
  sync: text('Only of this sync.').optional(),
  connection: text('Only where this connection failed.').optional(),
  recordId: text('Only of this record id.').optional(),
  before: text('Only those that failed before this time (RFC 3339).').optional(),
}
