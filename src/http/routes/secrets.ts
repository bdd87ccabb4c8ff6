import { Type } from 'typebox'
import { showConnection } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, ListOf, MaybeTime, ReasonBody, Text } from '../schemas/basics.ts'
import { unknownConnection } from '../unknown.ts'
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

const Name = Type.String({
  pattern: '^[\\w.-]{1,100}$',
  description: 'NAME of the reference `store:NAME`.',
  examples: ['api-key'],
})
const Holder = Text('Name of the connection; of an alert route `alerts.NAME`.', 'crm')
const ofHolder = Closed({ name: Holder, secret: Name })
const Stored = Closed({
  holder: Holder,
  name: Name,
  fields: Type.Array(Type.String(), { description: 'Fields of the connection or route that refer to it.' }),
  storedAt: Type.Unsafe<Date | null>({ ...MaybeTime, description: 'Null where one is wanted and none is kept.' }),
})
/** Keys and certificates are a few kB; as files may be. */
const MAX_SECRET = 65_536

/** Secrets that the hub keeps for connections and alert routes: they go in, and come out nowhere. */
export function storedSecretRoutes(app: App, { hub, database }: RouteContext): void {
  const known = async (name: string): Promise<void> => {
    if (!hub.secrets.holdsSecrets(name) && !(await showConnection(database, name)))
      throw unknownConnection(hub, name, ', nor an alert route that is called so')
  }
  app.get(
    `${API}/secrets`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listSecrets',
        summary:
          'Secrets that the hub keeps, and those it is asked to, of all connections and alert routes: names and times, no values',
        tags,
        response: {
          200: Closed({
            holders: Type.Array(Type.String(), {
              description: 'Whose secrets can be kept.',
              examples: [['crm', 'alerts.ops']],
            }),
            items: Type.Array(Stored),
          }),
        },
      },
    },
    () => hub.secrets.allStored(),
  )

  app.get(
    `${API}/connections/:name/secrets`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listStoredSecrets',
        summary:
          'Secrets that the hub keeps for a connection or an alert route, and those it is asked to: names and times, no values',
        tags,
        params: Closed({ name: Holder }),
        response: { 200: ListOf(Stored) },
      },
    },
    async ({ params }) => {
      await known(params.name)
      return { items: await hub.secrets.stored(params.name) }
    },
  )

  app.post(
    `${API}/connections/:name/secrets/:secret/store`,
    {
      config: { access: 'connections:authorise' },
      schema: {
        operationId: 'storeSecret',
        summary: 'Keeps a secret of a connection or an alert route, sealed; in the place of the one that is there',
        tags,
        params: ofHolder,
        body: Closed({
          value: Type.String({ minLength: 1, maxLength: MAX_SECRET, description: 'The secret, as it is.' }),
          reason: ReasonBody.properties.reason,
        }),
        response: { 200: Stored },
      },
    },
    async ({ params, body, caller }) => {
      await known(params.name)
      return hub.secrets.store(params.name, params.secret, body.value, actorOf(caller, body))
    },
  )

  app.post(
    `${API}/connections/:name/secrets/:secret/forget`,
    {
      config: { access: 'connections:authorise' },
      schema: {
        operationId: 'forgetSecret',
        summary: 'Removes a secret that the hub keeps',
        tags,
        params: ofHolder,
        body: ReasonBody,
        response: { 200: Closed({ forgotten: Type.Boolean({ examples: [true] }) }) },
      },
    },
    async ({ params, body, caller }) => {
      await known(params.name)
      return hub.secrets.forget(params.name, params.secret, actorOf(caller, body))
    },
  )
}

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
