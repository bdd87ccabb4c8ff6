/** Every JSON answer of a hub under test against the schema its route promises for that status, whichever test asked. */
import type { RouteOptions } from 'fastify'
import { compileSchema } from '../../src/core/index.ts'

type Responses = Record<string, object>

export class Promised {
  /** What was answered otherwise than promised, once each. */
  readonly broken = new Set<string>()

  /** For Fastify's `onRoute` hook. */
  watch(route: RouteOptions): void {
    const { operationId, response } = (route.schema ?? {}) as { operationId?: string; response?: Responses }
    if (!operationId || !response) return
    const onSend = [route.onSend ?? []].flat()
    route.onSend = [
      ...onSend,
      async (_request: unknown, reply: { statusCode: number; getHeader(name: string): unknown }, payload: unknown) => {
        const isJson = String(reply.getHeader('content-type')).startsWith('application/json')
        if (isJson && typeof payload === 'string') this.#judge(operationId, response, reply.statusCode, payload)
        return payload
      },
    ] as NonNullable<RouteOptions['onSend']>
  }

  #judge(operation: string, response: Responses, status: number, text: string): void {
    const schema = response[status]
    if (!schema) return void this.broken.add(`${operation} promises no answer with ${status}`)
    for (const { path, message } of compileSchema(schema)(JSON.parse(text)))
      this.broken.add(
        `${operation} ${status} /${path.map((part) => (typeof part === 'number' ? '*' : part)).join('/')}: ${message}`,
      )
  }
}
