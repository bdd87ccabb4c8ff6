import { Type } from 'typebox'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed } from '../schemas/basics.ts'
import type { MetricsSource } from './metrics.ts'

/** What goes into a support bundle. */
export function supportRoute(
  app: App,
  { hub, version, startedAt }: RouteContext,
  metrics: MetricsSource | undefined,
): void {
  app.get(
    `${API}/support`,
    {
      config: { access: 'support:read' },
      schema: {
        operationId: 'readSupportFiles',
        summary: 'What whoever helps from outside needs to know of the hub; no secrets, no values of records',
        tags: ['health'],
        response: {
          200: Closed({ files: Type.Array(Closed({ name: Type.String(), text: Type.String() })) }),
        },
      },
    },
    async () => {
      const checks = (await hub.readiness()).map(({ name, ok, code }) => ({ name, ok, code: code ?? null }))
      const hubFile = { name: 'hub.json', text: `${JSON.stringify({ version, startedAt, checks }, null, 2)}\n` }
      const measured = metrics ? [{ name: 'metrics.txt', text: await metrics.text() }] : []
      return { files: [hubFile, ...(await hub.support.files()), ...measured] }
    },
  )
}
