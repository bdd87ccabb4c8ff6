import { Type } from 'typebox'
import { showConfiguration } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, MaybeText, Time } from '../schemas/basics.ts'

const Item = Closed({
  kind: Type.Enum(['connection', 'sync']),
  name: Type.String(),
  fields: Type.Record(Type.String(), Type.String(), {
    description: 'Values that are not for showing stand as `#` and a digest.',
  }),
  since: Time,
  source: MaybeText,
})

export function configurationRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/configuration`,
    {
      schema: {
        operationId: 'showConfiguration',
        summary: 'The connections and syncs that the hub works with, field by field',
        description:
          'What the files said when the hub last began to work with them. `causeway plan` compares the files with it.',
        tags: ['plans'],
        response: { 200: Closed({ items: Type.Array(Item) }) },
      },
    },
    async () => ({ items: await showConfiguration(database) }),
  )
}
