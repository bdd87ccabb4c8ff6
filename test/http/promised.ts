/** Every answer of a hub under test against what its route promises for that status, whichever test asked. */
import type { FastifyReply, RouteOptions } from 'fastify'
import { compileSchema } from '../../src/core/index.ts'
import { Problem } from '../../src/http/schemas/basics.ts'

type Responses = Record<string, object>

export class Promised {
  /** What was answered otherwise than promised, once each. */
  readonly broken = new Set<string>()

  /** For Fastify's `onRoute` hook. */
  watch(route: RouteOptions): void {
    const { operationId, response = {} } = (route.schema ?? {}) as { operationId?: string; response?: Responses }
    if (!operationId) return
    const judge = async (_request: unknown, reply: FastifyReply, payload: unknown) => {
      if (typeof payload === 'string') this.#judge(operationId, response, reply, payload)
      return payload
    }
    route.onSend = [...[route.onSend ?? []].flat(), judge] as NonNullable<RouteOptions['onSend']>
  }

  #judge(operation: string, response: Responses, reply: FastifyReply, text: string): void {
    const { statusCode: status } = reply
    const type = String(reply.getHeader('content-type')).split(';')[0]
    const say = (what: string) => this.broken.add(`${operation} ${status}: ${what}`)
    const schema = response[status]
    if (status >= 400 && !schema) this.#judgeProblem(say, reply, type!, text)
    else if (type === 'application/json' && !schema) say('promises no such answer')
    else if (type === 'application/json') for (const fault of faults(schema!, JSON.parse(text))) say(fault)
  }

  #judgeProblem(say: (what: string) => void, reply: FastifyReply, type: string, text: string): void {
    if (type !== 'application/problem+json') {
      say(`no problem but ${type}`)
      return
    }
    const problem = JSON.parse(text) as { status: number; requestId: string }
    for (const fault of faults(Problem, problem)) say(fault)
    if (problem.status !== reply.statusCode) say(`says ${problem.status}`)
    if (problem.requestId !== reply.getHeader('x-request-id')) say('names another request')
    if ([429, 503].includes(reply.statusCode) && !reply.getHeader('retry-after')) say('does not say when to come back')
  }
}

const faults = (schema: object, value: unknown): string[] =>
  compileSchema(schema)(value).map(
    ({ path, message }) => `/${path.map((part) => (typeof part === 'number' ? '*' : part)).join('/')} ${message}`,
  )
