/** Every answer of a hub under test against what its route promises for that status, whichever test asked. */
import type { FastifyReply, RouteOptions } from 'fastify'
import { compileSchema } from '../../src/core/index.ts'
import { OpenApi } from '../../src/http/openapi.ts'
import { Problem } from '../../src/http/schemas/basics.ts'

type Operation = { operationId: string; responses: object }
type Responses = Record<string, object>

/** "Any other failure": what a system said, what a mapping or record is, and defects of the hub. */
const ANY_OTHER = new Set(['422', '500', '502'])

export class Promised {
  readonly #broken = new Set<string>()
  readonly #seen = new Set<string>()
  readonly #document = new OpenApi()

  /** What was answered otherwise than promised, once each. */
  broken(): string[] {
    const { paths } = this.#document.document('') as { paths: Record<string, Record<string, Operation>> }
    const promised = new Set<string>()
    for (const { operationId, responses } of Object.values(paths).flatMap((methods) => Object.values(methods)))
      for (const status of Object.keys(responses)) promised.add(`${operationId} ${status}`)
    const unpromised = [...this.#seen].filter((pair) => !promised.has(pair) && !ANY_OTHER.has(pair.split(' ')[1]!))
    return [...this.#broken, ...unpromised.map((pair) => `${pair}: promises no such status`)]
  }

  /** For Fastify's `onRoute` hook. */
  watch(route: RouteOptions): void {
    const { operationId, response = {} } = (route.schema ?? {}) as { operationId?: string; response?: Responses }
    if (!operationId) return
    this.#document.add(route)
    const judge = async (_request: unknown, reply: FastifyReply, payload: unknown) => {
      this.#seen.add(`${operationId} ${reply.statusCode}`)
      if (typeof payload === 'string') this.#judge(operationId, response, reply, payload)
      return payload
    }
    route.onSend = [...[route.onSend ?? []].flat(), judge] as NonNullable<RouteOptions['onSend']>
  }

  #judge(operation: string, response: Responses, reply: FastifyReply, text: string): void {
    const { statusCode: status } = reply
    const type = String(reply.getHeader('content-type')).split(';')[0]
    const say = (what: string) => this.#broken.add(`${operation} ${status}: ${what}`)
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
