/** What a person does, and its row in the audit: both are committed, or neither. */
import { asCausewayError } from '../core/index.ts'
import type { Actor } from '../http/index.ts'
import { appendAudit, type LedgerPool, type LedgerSession, withTransaction } from '../store/index.ts'

type Note = (action: string, subject: string, detail?: Record<string, unknown>) => void

/**
 * Does a deed in one transaction with its row in the audit. A process that dies between the two would leave a deed of nobody, and where it can be
 * done once only (an approval, a decision) a second try is refused and notes nothing either.
 */
export type Recorded = <T>(actor: Actor, deed: (session: LedgerSession, note: Note) => Promise<T>) => Promise<T>

export const recordedIn =
  (pool: LedgerPool): Recorded =>
  (actor, deed) =>
    withTransaction(pool, async (session) => {
      let entry: Parameters<typeof appendAudit>[1] | undefined
      const done = await deed(session, (action, subject, detail = {}) => {
        entry = { actor: actor.name, action, subject, detail: withReason(detail, actor) }
      })
      // Last: whoever writes into the audit waits from here on.
      if (entry) await appendAudit(session, entry)
      return done
    })

/**
 * What writes to other systems is told before it begins, and its end as `ACTION.ended`: no transaction holds it, and whoever is killed, or whose
 * caller hangs up, in the middle of it has written something.
 */
export async function toldFirst<T>(
  tell: (action: string, detail: Record<string, unknown>) => Promise<void>,
  { action, asked }: { action: string; asked: Record<string, unknown> },
  deed: () => Promise<T>,
  detailOf: (done: T) => Record<string, unknown>,
): Promise<T> {
  await tell(action, asked)
  const done = await deed().catch(async (error: unknown) => {
    await tell(`${action}.ended`, { code: asCausewayError(error).code })
    throw error
  })
  await tell(`${action}.ended`, detailOf(done))
  return done
}

export const withReason = (detail: Record<string, unknown>, { reason }: Actor): Record<string, unknown> => ({
  ...detail,
  ...(reason ? { reason } : {}),
})
