import type { App, RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'

/** Where bull-board stands; its page is served by `page.ts`. */
export const BOARD = '/admin/queues'

/** As often as one page asks by itself, so that fifty cost the queue what one costs. */
const EVERY_MS = 5_000

/**
 * What bull-board's page asks of its server. It is not part of the admin API (no operation id): its shape is bull-board's. There is no route
 * for any other method, so that nothing can be changed from there.
 */
export function queueBoardRoutes(app: App, { hub }: RouteContext): void {
  app.get(
    `${BOARD}/api/*`,
    { config: { access: 'hub:read', sharedMs: EVERY_MS } },
    async ({ params, query }, reply) => {
      const { '*': path = '' } = params as { '*'?: string }
      const answer = await hub.readQueueBoard(`/${path}`, query as object)
      if (!answer) throw notFound('The queues tell nothing under this address.')
      return reply.status(answer.status).header('cache-control', 'no-store').send(answer.body)
    },
  )
}
