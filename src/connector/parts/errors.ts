/** How a system says that something went wrong, beyond HTTP status codes. */
import type { CausewayError, ErrorCode, Json } from '../../core/index.ts'
import { type OutboundClient, OutboundFailure, type OutboundResponse, parseRetryAfter } from '../../outbound/index.ts'
import {
  asText,
  choice,
  type Expression,
  expression,
  list,
  part,
  type Scope,
  section,
  text,
  type ValueOf,
} from '../language/index.ts'
import { ANSWER_NAMES, type CallOptions } from './answer.ts'
import { findMessage, tidyMessage } from './remote-message.ts'

/** What a manifest may call a failure, and what it means to the hub. */
const CLASSES = {
  auth: { code: 'CSW-3003', says: 'was refused for its credentials' },
  forbidden: { code: 'CSW-3004', says: 'is not allowed to this credential' },
  throttled: { code: 'CSW-3005', says: 'was throttled' },
  down: { code: 'CSW-3006', says: 'failed there' },
  unusable: { code: 'CSW-3007', says: 'gave an unusable answer' },
  refused: { code: 'CSW-3008', says: 'was refused' },
  missing: { code: 'CSW-3009', says: 'found no such record' },
  unknown: { code: 'CSW-3012', says: 'may or may not have taken effect' },
  conflict: { code: 'CSW-3013', says: 'found the record changed' },
  address: { code: 'CSW-3014', says: 'was sent to the wrong address' },
  locked: { code: 'CSW-3017', says: 'found the record locked' },
} as const satisfies Record<string, { code: ErrorCode; says: string }>
export type FailureClass = keyof typeof CLASSES
const CLASS_NAMES = ['ok', ...(Object.keys(CLASSES) as FailureClass[])] as const

export const errorsPart = (extraNames: readonly string[] = []) => {
  const names = [...ANSWER_NAMES, ...extraNames]
  const classPart = part({
    title: 'Failure class',
    sense: 'Gives answers with a common mark their meaning.',
    fields: {
      when: expression({
        sense: 'True for the answers that are meant.',
        names,
        required: true,
        example: 'status = 409',
      }),
      is: choice(CLASS_NAMES, {
        sense:
          'What it means. `auth`: credentials (a session logs in anew). `throttled`: wait. `down`, `unusable`: try again. `refused`: this record is not accepted. `missing`, `conflict`, `locked`: the state of this record. `address`, `forbidden`: the set-up. `unknown`: may have been done. `ok`: no failure at all.',
        required: true,
      }),
    },
    example: 'classes: [{ when: status = 400 and response.code = "ALREADY_EXISTS", is: refused }]',
  })
  return part({
    title: 'Errors',
    sense: 'How the system tells of failures. HTTP status codes are understood without it.',
    fields: {
      failed: expression({
        sense: 'True for an answer that is a failure although its status says success.',
        names,
        example: '$exists(response.error)',
      }),
      message: expression({
        sense: 'Where the reason stands. Without it the usual places are searched.',
        names,
        example: 'response.error.message',
      }),
      classes: list(section(classPart, { sense: 'One class.' }), {
        sense: 'Meanings of certain answers; the first whose `when` is true counts, before the status code.',
      }),
      retry_after: list(text({ sense: 'A header name.' }), {
        sense: 'Headers that say how long to wait, beside the usual ones: seconds, a date, or a moment since 1970.',
        example: ['X-Reset'],
      }),
      wait_seconds: expression({
        sense: 'How long to wait after a throttled answer that says so in its body, in seconds.',
        names,
        example: 'response.error.retry_in',
      }),
    },
    example: `
errors:
  failed: $exists(response.error)
  message: response.error.message
  classes:
    - { when: response.error.code = "RATE_LIMIT", is: throttled }
    - { when: response.error.code = "SESSION", is: auth }
`,
  })
}
export type ErrorsSpec = ValueOf<ReturnType<typeof errorsPart>>

/** The same with a message that a protocol finds by itself, for manifests that name none. */
export const withMessage = (errors: ErrorsSpec | undefined, message: Expression): ErrorsSpec => ({
  // Every field of `errors` may be left out.
  ...(errors ?? ({} as ErrorsSpec)),
  message: errors?.message ?? message,
})

/** A longer wait is a misread answer rather than a wish. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000

/** What is known of an answer when it is judged. */
export type Judged = {
  raw: OutboundResponse
  body: Json | undefined
  scope: Scope
  /** The protocol itself says so (an RPC error with status 200). */
  failed: boolean
}

/** Decides whether an answer is a failure, and which. */
export class Judge {
  private readonly spec: ErrorsSpec | undefined
  private readonly outbound: OutboundClient

  constructor(spec: ErrorsSpec | undefined, outbound: OutboundClient) {
    this.spec = spec
    this.outbound = outbound
  }

  /** The failure an answer stands for, or null. `fault` tells that its body could not be read. */
  failureOf(judged: Judged, options: CallOptions, fault?: string): CausewayError | null {
    const named = this.spec?.classes?.find(({ when }) => isTrue(when.evaluate(judged.scope)))?.is
    if (named === 'ok') return null
    if (named) return this.classed(named, judged, options)
    const byStatus = this.outbound.failureOf(judged.raw, options)
    if (byStatus) return this.explained(byStatus, judged)
    if (fault !== undefined) return this.unreadable(judged, options, fault)
    if (judged.failed || (this.spec?.failed && isTrue(this.spec.failed.evaluate(judged.scope))))
      return this.classed('refused', judged, options)
    return null
  }

  /** A write that was answered, but not understandably, may have been done. */
  private unreadable({ raw }: Judged, options: CallOptions, fault: string): CausewayError {
    const doubtful = options.purpose === 'write' && !raw.idempotent
    return new OutboundFailure(doubtful ? 'CSW-3012' : 'CSW-3007', {
      what: `${this.shown(raw)} was answered with HTTP ${raw.status}, but ${fault}.`,
      sent: 'yes',
      status: raw.status,
    })
  }

  private classed(name: FailureClass, judged: Judged, options: CallOptions): CausewayError {
    const { code, says } = CLASSES[name]
    const retryAfterMs = name === 'throttled' ? this.waitOf(judged) : undefined
    if (retryAfterMs) this.outbound.gate.report({ waitMs: retryAfterMs, reason: 'the system asked to wait' })
    return this.explained(
      new OutboundFailure(code === 'CSW-3008' && options.purpose === 'read' ? 'CSW-3016' : code, {
        what: `${this.shown(judged.raw)} ${says} (HTTP ${judged.raw.status}).`,
        sent: 'yes',
        status: judged.raw.status,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
      judged,
    )
  }

  /** Adds what the system itself says, and the wait of headers that only this manifest knows. */
  private explained(failure: OutboundFailure, judged: Judged): CausewayError {
    const reason = this.reasonOf(judged)
    const waitMs = failure.retryAfterMs ?? (failure.code === 'CSW-3005' ? this.waitOf(judged) : undefined)
    if (waitMs && failure.retryAfterMs === undefined)
      this.outbound.gate.report({ waitMs, reason: `the system answered ${judged.raw.status} and asked to wait` })
    if (reason === undefined && waitMs === failure.retryAfterMs) return failure
    return new OutboundFailure(failure.code, {
      what: reason === undefined ? failure.message : `${failure.message.replace(/\.$/, '')}: ${reason}`,
      sent: failure.sent,
      status: judged.raw.status,
      data: failure.data,
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    })
  }

  private reasonOf({ body, scope }: Judged): string | undefined {
    const given = this.spec?.message?.evaluate(scope)
    const found =
      given === undefined || given === null
        ? findMessage(body)
        : typeof given === 'object'
          ? (findMessage(given as Json) ?? asText(given))
          : asText(given)
    return found ? tidyMessage(this.outbound.redact(found)) : undefined
  }

  private waitOf({ raw, scope }: Judged): number | undefined {
    const seconds = this.spec?.wait_seconds?.evaluate(scope)
    const told = seconds === undefined || seconds === null ? Number.NaN : Number(asText(seconds))
    if (told >= 0) return Math.min(Math.ceil(told * 1000), LONGEST_WAIT_MS)
    for (const name of ['retry-after', ...(this.spec?.retry_after ?? [])]) {
      const value = raw.headers[name.toLowerCase()]
      const wait = parseRetryAfter(Array.isArray(value) ? value[0] : value, new Date())
      if (wait !== undefined) return wait
    }
    return undefined
  }

  private shown(raw: OutboundResponse): string {
    // Without the query: it may hold values of records.
    return `${raw.method} ${this.outbound.redact(raw.url.split('?', 1)[0]!)}`
  }
}

export const isTrue = (value: unknown): boolean => value === true
