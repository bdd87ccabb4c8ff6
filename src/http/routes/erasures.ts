import { Type } from 'typebox'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, Text } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

/** Erasing persons. The value comes in the body, never in a URL, and is kept nowhere. */
export function erasureRoutes(app: App, { hub }: RouteContext): void {
  app.post(
    `${API}/erasures`,
    {
      config: { access: 'persons:erase' },
      schema: {
        operationId: 'erase',
        summary: 'Erases everything the hub keeps about records that have a value in a field',
        tags: ['privacy'],
        body: Closed({
          field: Text('Field of the records, with dots for fields inside.', 'email'),
          value: Text('Its value, exactly as the source writes it.'),
          reason: Type.Optional(Text('Why, for the audit trail. Must not name the person.')),
        }),
        response: {
          200: Closed({
            records: Type.Integer(),
            deadLetters: Type.Integer(),
            journal: Type.Integer({ description: 'Batches of the journal that were cut.' }),
            events: Type.Integer(),
          }),
        },
      },
    },
    ({ body: { field, value, ...why }, caller }) => hub.erase({ field, value }, actorOf(caller, why)),
  )
}
