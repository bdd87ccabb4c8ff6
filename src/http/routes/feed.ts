import type { IncomingMessage } from 'node:http'
import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { parsePlace } from '../../store/views/index.ts'
import { API, type App } from '../app.ts'
import type { Feed } from '../live/feed.ts'
import { EventStream } from '../live/stream.ts'

/** A stream ends after so long and the page comes back: a session or token that has ended meanwhile is noticed then. */
const LASTS_MS = 120_000
const MAX_STREAMS = 500
const COME_BACK_MS = 1_000

/** What happens in the hub, as it happens. */
export function feedRoutes(app: App, feed: Feed): void {
  let open = 0
  app.get(
    `${API}/feed`,
    {
      config: { access: 'hub:read', mayAnswer: [400] },
      // Fastify's bound is for the whole answer, and this one lasts.
      handlerTimeout: 2 * LASTS_MS,
      exposeHeadRoute: false,
      schema: {
        operationId: 'followFeed',
        summary: 'Server-sent events: what changes in the hub, in order',
        description:
          'Begins with `ready`, or with `reset` where what was missed is not known any more. Each event has an id; with the header `Last-Event-ID` the stream goes on behind it, nothing missed and nothing twice, for fifteen minutes back. A `tick` comes every ten seconds. The stream ends after two minutes; come back with the last id.',
        tags: ['health'],
        response: { 200: Type.Unsafe<void>({ description: 'A stream of `text/event-stream`.' }) },
      },
    },
    async (request, reply) => {
      const last = (request.raw as IncomingMessage).headers['last-event-id']
      const from = last === undefined || last === '' ? undefined : parsePlace(String(last))
      if (last && !from)
        throw new CausewayError('CSW-8003', {
          what: '`Last-Event-ID` is not one that this feed gave out.',
          fix: 'Send the id of the last event, or no such header to begin now.',
        })
      if (open >= MAX_STREAMS)
        throw new CausewayError('CSW-8006', {
          what: `${MAX_STREAMS} streams of events are open.`,
          retryAfterMs: 10_000,
        })
      const stream = new EventStream()
      open++
      const timer = setTimeout(() => leave(true), LASTS_MS).unref()
      const leave = (tell: boolean): void => {
        clearTimeout(timer)
        feed.leave(stream)
        if (tell) stream.end()
      }
      stream.once('close', () => {
        open--
        leave(false)
      })
      reply.raw.once('close', () => stream.destroy())
      stream.write(`retry: ${COME_BACK_MS}\n\n`)
      try {
        await feed.join(stream, from)
      } catch (error) {
        stream.destroy()
        throw error
      }
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(stream as never)
    },
  )
}
