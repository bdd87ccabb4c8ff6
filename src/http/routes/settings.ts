import { API, type App, type RouteContext } from '../app.ts'
import { ListOf } from '../schemas/basics.ts'
import { Setting } from '../schemas/settings.ts'

export function settingRoutes(app: App, { hub }: RouteContext): void {
  app.get(
    `${API}/settings`,
    {
      config: { access: 'support:read' },
      schema: {
        operationId: 'listSettings',
        summary: 'What this process works with, setting by setting, and where each value came from; no secrets',
        tags: ['health'],
        response: { 200: ListOf(Setting) },
      },
    },
    () => ({ items: hub.settings() }),
  )
}
