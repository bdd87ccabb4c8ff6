import type { WriteOutcome } from '../connector/index.ts'
import { CausewayError, JsonText } from '../core/index.ts'
import { notShown } from './ask-sides.ts'
import { CONTENT_MARK, contentMark, merged } from './diff.ts'
import { CONTENDED_RETRY_MS, isConnectionFailure } from './failures.ts'
import type { Settlement, Work } from './work.ts'

const UNKNOWN_LOOK_MS = 2_000

/** The connector could not even say what became of single items: unless it never began, anything may have happened. */
export function statusOfThrown(error: CausewayError): 'retry' | 'refused' | 'unknown' {
  if (isConnectionFailure(error)) return 'retry'
  return error.causeClass === 'config' && error.reaction === 'fix' ? 'refused' : 'unknown'
}

/** Translates what the target said about one item into what the ledger keeps. */
export function settle(work: Work, outcome: WriteOutcome): Settlement {
  switch (outcome.status) {
    case 'written':
      if (outcome.version !== undefined) work.wroteVersion = outcome.version
      return written(work, outcome.id)
    case 'refused':
      return { state: 'dead', dead: true, error: outcome.error.toJSON(), intent: 'close' }
    case 'unknown':
      return { ...unknown(outcome.error), countAttempt: !waitBroke(work, outcome.error) }
    case 'missing':
      if (work.operation === 'delete') return written(work, work.targetId!)
      // It was there a moment ago. Of two sides neither may take the other's silence for a deletion.
      if (work.merge && work.targetId !== null) return { ...notShown(work.targetId), intent: 'close' }
      return {
        state: 'dead',
        dead: true,
        error: outcome.error.toJSON(),
        intent: 'close',
        unlink: 'gone',
        delivered: null,
      }
    case 'conflict':
      return {
        state: 'pending',
        error: outcome.error.toJSON(),
        retryInMs: CONTENDED_RETRY_MS,
        countAttempt: true,
        intent: 'close',
      }
    case 'retry':
      return {
        state: 'pending',
        error: outcome.error.toJSON(),
        retryInMs: outcome.error.retryAfterMs ?? 0,
        countAttempt: isOfRecord(outcome.error),
        intent: outcome.mayBeDone || repeats(work) ? 'repeat' : 'close',
      }
  }
}

/** Sent again for an attempt that may have taken effect: that this one did not get there says nothing of the other. */
const repeats = ({ intent, unfinished }: Work): boolean =>
  unfinished.some(({ id, repeatable }) => repeatable && id === intent?.id)

/** A failed connection, or a hub that shuts down, says nothing about the record and costs it no attempt. */
const isOfRecord = (error: CausewayError): boolean =>
  !isConnectionFailure(error) && error.causeClass !== 'hub' && error.data?.outage !== true

/** Only a create may have made something that must not be made twice; other operations are simply repeated. */
export const unknown = (error: CausewayError): Settlement => ({
  state: 'in_doubt',
  error: error.toJSON(),
  retryInMs: UNKNOWN_LOOK_MS,
  countAttempt: true,
  intent: 'keep',
})

/**
 * The wait for a job was broken off, by the connection or by a hub that shuts down, and the job goes on: its outcome is asked for
 * at the next attempt. Every attempt would fail the same way, so it costs the record none.
 */
function waitBroke(work: Work, { cause }: CausewayError): boolean {
  if (!work.intent?.job || !(cause instanceof CausewayError)) return false
  return isConnectionFailure(cause) || cause.code === 'CSW-3015'
}

/** It stands there as it was when the first attempt was made; what has changed since follows. */
function madeAsSent(sent: JsonText): Settlement {
  const what = 'a create without an answer was repeated as it was sent, and the record has changed since'
  const error = new CausewayError('CSW-5007', { what }).toJSON()
  return { state: 'pending', error, retryInMs: 0, intent: 'close', link: true, delivered: sent }
}

function written(work: Work, targetId: string): Settlement {
  const left = work.record.deleted ? 'gone' : 'skipped'
  work.targetId = targetId
  if (work.resend && work.operation === 'create') return madeAsSent(work.resend)
  if (work.operation === 'delete') return { state: left, delivered: null, unlink: 'gone', intent: 'close' }
  let delivered = merged(work)
  if (work.record.content !== null) delivered = JsonText.of({ ...delivered.value, [CONTENT_MARK]: contentMark(work) })
  return { state: work.takenBack ? left : 'delivered', delivered, intent: 'close' }
}
