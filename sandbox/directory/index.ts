import { createHash } from 'node:crypto'
import { type Answer, type Call, RateLimit, Refusal, Router, type StandIn } from '../http/index.ts'
import { Store, type Table } from '../state/index.ts'
import { past, type Random, type World } from '../world/index.ts'
import { applyOperations } from './patch.ts'
import { matches } from './scim-filter.ts'
import { needUser, type ScimUser, USER_SCHEMA, writableUser } from './user.ts'

export type DirectoryOptions = { folder: string | null; world: World; token: string }

/** A directory of users that speaks SCIM 2.0: the place accounts live. */
export function createDirectory({ folder, world, token }: DirectoryOptions): StandIn {
  const store = new Store('directory', folder)
  const users = store.table<ScimUser>('users')
  store.start(() => seed(store, world))
  return {
    name: 'directory',
    store,
    router: routes(store, users),
    limit: new RateLimit(50, 1000),
    authorise(call) {
      if (call.header('authorization') !== `Bearer ${token}`)
        throw new Refusal(401, 'unauthorized', 'The token is not valid')
    },
    refuse,
    stamp: (_table, row) => stamped(row as ScimUser),
    tick: (random) => tick(random, users),
  }
}

const stamped = (user: ScimUser): ScimUser => ({
  ...user,
  revision: (user.revision ?? 0) + 1,
  lastModified: Date.now(),
})

function seed(store: Store, world: World): void {
  const random = world.random.for('directory')
  const users = store.table<ScimUser>('users')
  // Every second account was once made by hand and knows nothing of the HRM.
  for (const person of world.staff.filter((_, index) => index % 2 === 0)) {
    const id = newId(store)
    const at = past(random)
    const name = { givenName: person.firstName, familyName: person.lastName }
    const rest = { externalId: null, displayName: `${person.firstName} ${person.lastName}`, active: true, title: null }
    const emails = [{ value: person.email, type: 'work', primary: true }]
    users.put(id, { id, userName: person.email, name, ...rest, emails, created: at, lastModified: at, revision: 1 })
  }
}

/** Random-looking, but the same for the same seed. */
function newId(store: Store): string {
  const digest = createHash('sha256')
    .update(`user ${store.next('users')}`)
    .digest('hex')
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}

/** Somebody corrects an account by hand now and then. */
function tick(random: Random, users: Table<ScimUser>): void {
  if (!random.chance(0.2)) return
  const user = random.pick([...users.rows()])
  users.put(user.id, stamped({ ...user, nickName: random.pick(['Asia', 'Jürg', 'Zoé', null]) }))
}

function routes(store: Store, users: Table<ScimUser>): Router {
  const router = new Router()
  const save = (user: ScimUser): ScimUser => users.put(user.id, stamped(user))
  router.on('GET', '/scim/v2/Users', (call) => ({ status: 200, json: list(users, call) }))
  router.on('POST', '/scim/v2/Users', (call) => {
    const values = writableUser(call.json())
    refuseTaken(users, values, null)
    const now = Date.now()
    const user = save({ active: true, externalId: null, ...values, id: newId(store), created: now } as ScimUser)
    return show(201, call, user)
  })
  router.on('GET', '/scim/v2/Users/:id', (call) => show(200, call, needUser(users, call)))
  router.on('PUT', '/scim/v2/Users/:id', (call) => {
    const before = needUser(users, call)
    const values = writableUser(call.json())
    refuseTaken(users, values, before.id)
    const { id, created, revision } = before
    return show(200, call, save({ active: true, externalId: null, ...values, id, created, revision } as ScimUser))
  })
  router.on('PATCH', '/scim/v2/Users/:id', (call) => {
    const before = needUser(users, call)
    const after = applyOperations(before, call.json())
    refuseTaken(users, after, before.id)
    return show(200, call, save(after))
  })
  router.on('DELETE', '/scim/v2/Users/:id', (call) => {
    users.delete(needUser(users, call).id)
    return { status: 204 }
  })
  return router
}

function refuseTaken(users: Table<ScimUser>, values: Partial<ScimUser>, ownId: string | null): void {
  for (const field of ['userName', 'externalId'] as const) {
    const other = users.find(field, values[field]).find((user) => user.id !== ownId)
    if (other !== undefined) throw new Refusal(409, 'uniqueness', `${field} ${values[field]} is taken by ${other.id}`)
  }
}

/** A page by start index, which begins at 1. Rows move up when one before them is deleted; the protocol promises no more. */
function list(users: Table<ScimUser>, call: Call) {
  const startIndex = call.integer('startIndex', 1, 1, 1_000_000)
  const count = call.integer('count', 100, 0, 200)
  const filter = call.query.get('filter')
  const hits = [...users.rows()].filter((user) => filter === null || matches(user, filter))
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: hits.length,
    startIndex,
    itemsPerPage: count,
    Resources: hits.slice(startIndex - 1, startIndex - 1 + count).map((user) => resource(call, user)),
  }
}

const show = (status: number, call: Call, user: ScimUser): Answer => {
  const json = resource(call, user)
  return {
    status,
    headers: { 'content-type': 'application/scim+json', location: json.meta.location, etag: json.meta.version },
    json,
  }
}

function resource(call: Call, { created, lastModified, revision, ...user }: ScimUser) {
  const times = { created: new Date(created).toISOString(), lastModified: new Date(lastModified).toISOString() }
  const location = `${call.origin}/scim/v2/Users/${user.id}`
  return {
    schemas: [USER_SCHEMA],
    ...user,
    meta: { resourceType: 'User', ...times, version: `W/"${revision}"`, location },
  }
}

function refuse(refusal: Refusal): Answer {
  const { waitMs } = refusal.details
  const headers: Record<string, string> = { 'content-type': 'application/scim+json' }
  if (typeof waitMs === 'number') headers['retry-after'] = String(Math.ceil(waitMs / 1000))
  return {
    status: refusal.status,
    headers,
    json: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(refusal.status),
      ...(['uniqueness', 'invalidFilter', 'invalidValue', 'invalidPath'].includes(refusal.code) && {
        scimType: refusal.code,
      }),
      detail: refusal.message,
    },
  }
}
