import { Type } from 'typebox'
import { showConfiguration } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, MaybeText, Text, Time } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const Kind = Type.Enum(['connection', 'connector', 'entity', 'sync'])
const Item = Closed({
  kind: Kind,
  name: Type.String(),
  fields: Type.Record(Type.String(), Type.String(), {
    description: 'Values that are not for showing stand as `#` and a digest.',
  }),
  digest: Type.String({ description: 'Of the fields: the basis of a plan.' }),
  since: Time,
  source: MaybeText,
})
const Digest = Type.Union([Text('Digest of the fields.'), Type.Null()])
/** Reading all files and registering what changed in them may take longer than other requests. */
const APPLY_MS = 120_000

export function configurationRoutes(app: App, { database, hub }: RouteContext): void {
  app.get(
    `${API}/configuration`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showConfiguration',
        summary: 'The connections, connectors, entities and syncs that the hub works with, field by field',
        description:
          'What the files said when the hub last began to work with them. `causeway plan` compares the files with it.',
        tags: ['plans'],
        response: { 200: Closed({ items: Type.Array(Item) }) },
      },
    },
    async () => ({ items: await showConfiguration(database) }),
  )

  app.post(
    `${API}/configuration/apply`,
    {
      handlerTimeout: APPLY_MS,
      config: { access: 'configuration:apply' },
      schema: {
        operationId: 'applyConfiguration',
        summary: 'Makes the hub work with its files, if they and what it works with are as they were planned',
        description:
          'What moved since on either side is named, and then nothing is applied (CSW-8024). A plan that removes connections or syncs ' +
          'needs `allowDestructive` (CSW-8025); they keep their history in the ledger.',
        tags: ['plans'],
        body: Closed({
          basis: Type.Array(
            Closed({ kind: Kind, name: Text('As the files call it.'), before: Digest, after: Digest }),
            { maxItems: 20_000, description: 'Every item that the hub works with, or that is in the files.' },
          ),
          allowDestructive: Type.Optional(Type.Boolean({ description: 'Connections and syncs may be removed.' })),
          rollBack: Type.Optional(
            Closed(
              {
                version: Type.Integer({ minimum: 1 }),
                files: Type.Array(Closed({ path: Text('From the hub folder.'), before: Digest }), { maxItems: 20_000 }),
              },
              {
                description:
                  'Write the files of this version into the folder first, if they are as they were planned (CSW-8024) and the hub may (CSW-8028).',
              },
            ),
          ),
          reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
        }),
        response: {
          200: Closed({
            applied: Type.Array(
              Closed({ kind: Kind, name: Type.String(), change: Type.Enum(['added', 'changed', 'removed']) }),
            ),
          }),
        },
      },
    },
    ({ body: { basis, allowDestructive, rollBack, reason }, caller }) =>
      hub.applyConfiguration(
        { basis, allowDestructive: allowDestructive ?? false, ...(rollBack ? { rollBack } : {}) },
        actorOf(caller, reason === undefined ? undefined : { reason }),
      ),
  )
}
