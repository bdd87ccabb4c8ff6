import { Type } from 'typebox'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, ReasonBody } from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const tags = ['secrets']
/** Hundreds of thousands of secrets are minutes. */
const ROTATE_MS = 600_000

const From = Type.Enum(['file', 'setting'], { description: 'A file of the data folder, or CAUSEWAY_MASTER_KEY.' })
const Key = Closed({
  id: Type.String({ examples: ['3f1c0a9b7d52'], description: 'Tells nothing about the key.' }),
  current: Type.Boolean({ description: 'What is stored from now on is sealed with it.' }),
  present: Type.Boolean({ description: 'False: the hub does not have it, and cannot open what it seals.' }),
  secrets: Type.Integer({ description: 'Secrets that need it.' }),
})

/** The master key, which seals what the ledger keeps secret. */
export function secretRoutes(app: App, { hub }: RouteContext): void {
  app.get(
    `${API}/secrets/keys`,
    {
      config: { access: 'secrets:rotate' },
      schema: {
        operationId: 'showMasterKeys',
        summary: 'Which master keys there are, and how many secrets need each; never a key',
        tags,
        response: { 200: Closed({ from: From, keys: Type.Array(Key) }) },
      },
    },
    () => hub.secrets.keys(),
  )

  app.post(
    `${API}/secrets/rotate`,
    {
      handlerTimeout: ROTATE_MS,
      config: { access: 'secrets:rotate' },
      schema: {
        operationId: 'rotateSecrets',
        summary: 'Seals all secrets with a new master key; one that was cut off goes on',
        tags,
        body: ReasonBody,
        response: {
          200: Closed({
            from: From,
            key: Type.String({ description: 'The key that seals everything now.' }),
            former: Type.Array(Type.String(), { description: 'Keys that nothing is sealed with any more.' }),
            resealed: Type.Integer(),
            added: Type.Boolean({ description: 'False where a rotation went on, or the keys come from the setting.' }),
          }),
        },
      },
    },
    ({ body, caller }) => hub.secrets.rotate(actorOf(caller, body)),
  )
}
