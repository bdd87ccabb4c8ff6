/** Waiting for work that the system does in its own time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError, type Clock, systemClock } from '../../core/index.ts'
import {
  asText,
  type Expression,
  expression,
  type Fields,
  integer,
  number,
  part,
  type Scope,
  section,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope, type Caller, type CallOptions } from './answer.ts'
import { isTrue } from './errors.ts'

const STATUS_NAMES = ['job', 'settings'] as const

/** Fields of every kind of job: how it is asked about, and what the answers mean. */
export const pollFields = <R extends Fields>(request: (names: readonly string[]) => R) => ({
  id: expression({
    sense: 'What the start gives to ask about the job: expressions see it as `job.id`.',
    names: ANSWER_NAMES,
    example: 'response.id',
  }),
  status: section(
    part({
      title: 'Status of a job',
      sense: 'The request that asks how far the job is. The last answer is `job.answer` afterwards.',
      fields: request(STATUS_NAMES),
    }),
    { sense: 'The request that asks how far the job is.', required: true },
  ),
  done: expression({
    sense: 'True when it is finished.',
    names: ANSWER_NAMES,
    required: true,
    example: 'response.state = "JobComplete"',
  }),
  failed: expression({
    sense: 'True when it came to nothing.',
    names: ANSWER_NAMES,
    example: 'response.state in ["Failed", "Aborted"]',
  }),
  message: expression({ sense: 'Why it came to nothing.', names: ANSWER_NAMES, example: 'response.errorMessage' }),
  every_seconds: number({
    sense: 'How long to wait before asking again; the wait grows up to a minute.',
    default: 5,
    minimum: 0.01,
    maximum: 600,
  }),
  deadline_seconds: integer({ sense: 'How long it may take.', default: 3_600, minimum: 1 }),
})

type PollOwn = {
  id: Expression | undefined
  done: Expression
  failed: Expression | undefined
  message: Expression | undefined
  every_seconds: number
  deadline_seconds: number
}
export type PollSpec<R> = PollOwn & { status: R }

export const LONGEST_WAIT_MS = 60_000

export type Polling<R> = {
  caller: Caller<R>
  settings: unknown
  spec: PollSpec<R>
  job: unknown
  /** Milliseconds since 1970. */
  startedAt: number
  signal: AbortSignal
  clock?: Clock
}

/**
 * Asks until the job is done; gives `null` between questions and the last answer at the end. Throws CSW-3016 for a job that
 * failed, CSW-3002 for one that takes too long, and the failure of the question itself.
 */
export async function* polled<R>(polling: Polling<R>): AsyncGenerator<null, Answer> {
  const { caller, settings, spec, job, startedAt, signal, clock = systemClock } = polling
  const options: CallOptions = { signal, purpose: 'read', notFound: 'record' }
  let waitMs = spec.every_seconds * 1000
  for (;;) {
    const answer = await caller.call(spec.status, { job: { id: job }, settings }, options)
    if (answer.failure) throw answer.failure
    const scope = answerScope(answer, settings)
    if (spec.failed && isTrue(spec.failed.evaluate(scope))) throw failed(spec, scope)
    if (isTrue(spec.done.evaluate(scope))) return answer
    if (clock.now().getTime() - startedAt + waitMs > spec.deadline_seconds * 1000)
      throw new CausewayError('CSW-3002', {
        what: `A job of the system was not finished within ${spec.deadline_seconds} s.`,
        fix: 'Look at the job in that system; raise `deadline_seconds` in the manifest where it needs longer.',
      })
    try {
      await sleep(waitMs, undefined, { signal })
    } catch {
      throw new CausewayError('CSW-3015', { what: 'The hub stopped waiting for a job of the system.' })
    }
    waitMs = Math.min(waitMs * 1.5, Math.max(LONGEST_WAIT_MS, spec.every_seconds * 1000))
    yield null
  }
}

function failed(spec: PollOwn, scope: Scope): CausewayError {
  const reason = spec.message?.evaluate(scope)
  return new CausewayError('CSW-3016', {
    what: `A job of the system failed${reason === undefined || reason === null ? '' : `: ${asText(reason)}`}.`,
    fix: 'Look at the job in that system; the next pull or push starts a new one.',
  })
}
