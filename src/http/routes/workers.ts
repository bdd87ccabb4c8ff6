import { listWorkers } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { ListOf } from '../schemas/basics.ts'
import { Worker } from '../schemas/worker.ts'

export function workerRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/workers`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listWorkers',
        summary: 'Processes that work, and those that fell silent within the hour',
        tags: ['runs'],
        response: { 200: ListOf(Worker) },
      },
    },
    async () => ({ items: await listWorkers(database) }),
  )
}
