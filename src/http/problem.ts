import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Identity } from '../access/index.ts'
import { asCausewayError, CausewayError, type ErrorCode, errorRegistry, mayQuote } from '../core/index.ts'
import { stringifyVerbatim } from '../store/views/index.ts'
import { lingerBeforeClose } from './lingering.ts'

/** RFC 9457, with our code, what to do, and the id under which the log line is found. */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  fix: string
  requestId: string
  errors?: { pointer: string; message: string }[]
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  'CSW-1007': 404,
  'CSW-2001': 404,
  'CSW-2002': 404,
  'CSW-5005': 409,
  'CSW-6001': 503,
  'CSW-7001': 503,
  'CSW-8001': 401,
  'CSW-8002': 404,
  'CSW-8003': 400,
  'CSW-8004': 413,
  'CSW-8005': 429,
  'CSW-8006': 503,
  'CSW-8007': 409,
  'CSW-8008': 409,
  'CSW-5017': 409,
  'CSW-8009': 415,
  'CSW-8011': 403,
  'CSW-8012': 403,
  'CSW-8013': 401,
  'CSW-8014': 401,
  'CSW-8029': 412,
  'CSW-8031': 409,
  'CSW-8032': 409,
}

/** Classes of errors that stand in no table: the other side is a bad gateway, a fix is unprocessable, the rest is ours. */
export function statusOf(error: CausewayError): number {
  const known = STATUS[error.code]
  if (known !== undefined) return known
  const { causeClass } = error
  if (causeClass === 'remote-down' || causeClass === 'quota' || causeClass === 'credential') return 502
  return causeClass === 'hub' ? 500 : 422
}

/** Fastify's own errors in our words. Anything else with a 4xx status was said by a plugin about the request. */
function fromFastify(error: FastifyError): CausewayError | undefined {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new CausewayError('CSW-8004', { what: 'The body is too large.' })
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new CausewayError('CSW-8009', { what: 'The body has a media type that is not read here.' })
  // Fastify would repeat the address, however long it is.
  if (error.code === 'FST_ERR_BAD_URL')
    return new CausewayError('CSW-8003', {
      what: 'The address holds bytes that are no UTF-8 text.',
      fix: 'Encode what stands in the address as UTF-8, byte by byte in the form `%C3%A9`.',
    })
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new CausewayError('CSW-8003', {
      what: 'A part of the address is longer than anything is called.',
      fix: 'Shorten it.',
    })
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT')
    return new CausewayError('CSW-8006', { what: 'The answer took too long.', retryAfterMs: 5_000 })
  if (error.code === 'FST_ERR_REOPENED_CLOSE_SERVER' || error.statusCode === 503)
    return new CausewayError('CSW-8006', { what: 'The hub is stopping.', retryAfterMs: 5_000 })
  const status = error.statusCode
  if (status !== undefined && status >= 400 && status < 500)
    return new CausewayError('CSW-8003', { what: error.message, cause: error })
  return undefined
}

const MAX_SHOWN_ERRORS = 20

/** Whoever may read records may read what systems said of them. */
export const mayReadRecords = (caller: Identity | null | undefined): boolean =>
  caller?.scopes.has('records:read') === true

/** `quotes`: the caller may see what a system said. */
export function toProblem(
  thrown: unknown,
  requestId: string,
  quotes = false,
): { problem: Problem; error: CausewayError } {
  const foreign = thrown instanceof CausewayError ? undefined : fromFastify(thrown as FastifyError)
  const error = foreign ?? asCausewayError(thrown)
  const status = statusOf(error)
  // Nothing internal leaves the hub: an error without a name says its id, the log says the rest.
  const isWithheld = !quotes && mayQuote(error.code)
  const { meaning, action } = errorRegistry[error.code]
  const said = isWithheld ? meaning : error.message
  const detail = error.code === 'CSW-1001' ? 'The hub failed on this request.' : said
  const errors = isWithheld ? undefined : (error.data.errors as Problem['errors'])
  return {
    error,
    problem: {
      type: 'about:blank',
      title: meaning,
      status,
      detail,
      code: error.code,
      fix: isWithheld ? action : error.fix,
      requestId,
      ...(Array.isArray(errors) ? { errors: errors.slice(0, MAX_SHOWN_ERRORS) } : {}),
    },
  }
}

export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, error } = toProblem(thrown, request.id, mayReadRecords(request.caller))
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  const retryAfterMs = error.retryAfterMs ?? (problem.status === 503 ? 5_000 : undefined)
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)))
  if ((thrown as FastifyError).code === 'FST_ERR_CTP_BODY_TOO_LARGE') lingerBeforeClose(request.raw)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="causeway"')
  // Addresses that do not exist, or cannot be read, know neither the hook that names the request nor the serializer (seen with 5.12.8).
  reply.header('x-request-id', request.id).serializer(stringifyVerbatim)
  return reply.code(problem.status).type('application/problem+json').send(problem)
}

export const notFound = (what: string, fix?: string): CausewayError =>
  new CausewayError('CSW-8002', { what, ...(fix ? { fix } : {}) })
