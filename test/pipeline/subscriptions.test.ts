import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/core/index.ts'
import { keepSubscriptions, type SubscriptionPorts } from '../../src/pipeline/index.ts'
import {
  createSecretStore,
  holdLease,
  MasterKeys,
  SubscriptionBook,
  type SubscriptionRow,
} from '../../src/store/index.ts'
import { load, restManifest } from '../connector/open.ts'
import { type Asked, type Reply, serve } from '../connector/server.ts'
import { freshDatabase } from '../postgres.ts'

const DAY = 86_400_000

/** A clock that tests move on. */
class MovedClock implements Clock {
  passed = 0
  now = (): Date => new Date(systemClock.now().getTime() + this.passed)
  monotonic = (): number => systemClock.monotonic()
}

type Ordered = { url: string; secret: string; events: string[]; expires: string }
type Mishap = 'refused' | 'lost before' | 'lost after' | undefined

/** A system where webhooks are ordered, over real sockets; what it takes lives until it is removed or ends. */
class OrderingSystem {
  readonly live = new Map<string, Ordered>()
  mishap: (asked: Asked) => Mishap = () => undefined
  /** Its list does not show yet what was just made. */
  lags = false
  #last = 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly serve = (asked: Asked, response: { destroy(): void }): Reply | undefined => {
    const mishap = this.mishap(asked)
    if (mishap === 'refused') return { status: 400, json: { message: 'no' } }
    if (mishap === 'lost before') return void response.destroy()
    const reply = this.#act(asked)
    return mishap === 'lost after' ? void response.destroy() : reply
  }

  #act({ method, path, json }: Asked): Reply {
    for (const [id, { expires }] of this.live) if (new Date(expires) <= this.#clock.now()) this.live.delete(id)
    const id = path.split('/')[2]
    if (method === 'GET')
      return {
        json: { items: [...(this.lags ? [] : this.live)].map(([id, { secret: _, ...rest }]) => ({ id, ...rest })) },
      }
    if (method === 'POST') {
      const made = `s${++this.#last}`
      this.live.set(made, json)
      return { status: 201, json: { id: made, signing: `theirs-${made}`, expires: json.expires } }
    }
    const found = id === undefined ? undefined : this.live.get(id)
    if (!found) return { status: 404 }
    if (method === 'DELETE') this.live.delete(id!)
    else found.expires = json.expires
    return { json: { expires: found.expires } }
  }
}

const FIND =
  '  find: { path: /subscriptions, items: response.items, id: item.id, url: item.url, expires: item.expires }\n'
const RENEW =
  '  renew: { path: "/subscriptions/${ subscription.id }", body: { expires: "${ expires }" }, expires: response.expires }\n'
const MANIFEST = `subscriptions:
  events: { contacts: [contact.changed], deals: [deal.changed], things: [thing.changed] }
  lifetime_seconds: 259200
  create:
    path: /subscriptions
    body: { url: "\${ url }", secret: "\${ secret }", events: "\${ events }", expires: "\${ expires }" }
    id: response.id
    expires: response.expires
${FIND}${RENEW}  delete: { path: "/subscriptions/\${ subscription.id }" }
webhooks:
  signature: { kind: hmac, secrets: ["\${ subscription.secret }"], header: X-Signature }
  id: item.id`

async function world(manifest = MANIFEST) {
  const clock = new MovedClock()
  const system = new OrderingSystem(clock)
  const server = await serve((asked, response) => system.serve(asked, response))
  const { pool } = await freshDatabase()
  const keys = await MasterKeys.load({ value: Buffer.alloc(32, 7).toString('hex'), file: '' })
  const book = new SubscriptionBook(pool, createSecretStore(pool, keys))
  await pool.query(`insert into connection (name, connector) values ('crm', 'test')`)
  const catalogue = load(restManifest('fetch: { path: "/things/${ id }" }', manifest))
  expect(catalogue.findings).toEqual([])
  const session = await catalogue
    .get('test')
    .open({ name: 'crm', settings: { url: server.url }, allow: [server.host], clock })
  const wish = { streams: ['contacts', 'deals'], gone: false, publicUrl: 'https://hub.example.com' as string | null }
  const ports: SubscriptionPorts = {
    holdLease: (name) => holdLease(pool, name, { holder: 'test', ttlMs: 30_000 }),
    clock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    book,
    wanted: async () => [{ id: 1, name: 'crm', streams: wish.streams, gone: wish.gone }],
    session: async () => session,
    remember: async () => {},
    address: (connection, stream) => wish.publicUrl && `${wish.publicUrl}/hooks/${connection}/${stream}`,
  }
  const signal = new AbortController().signal
  return {
    clock,
    system,
    server,
    pool,
    book,
    wish,
    ports,
    keep: (over: Partial<SubscriptionPorts> = {}) => keepSubscriptions({ ...ports, ...over }, signal),
    rows: () => book.read(1),
    async [Symbol.asyncDispose]() {
      await server.close()
      await pool.end()
    },
  }
}

const urls = (system: OrderingSystem) => [...system.live.values()].map(({ url }) => url).sort()
const CONTACTS = 'https://hub.example.com/hooks/crm/contacts'
const DEALS = 'https://hub.example.com/hooks/crm/deals'

test('webhooks are ordered once, with a secret that the ledger holds sealed, and removed when no sync wants them', async () => {
  await using hub = await world()
  await hub.keep()
  await hub.keep()
  expect(urls(hub.system)).toEqual([CONTACTS, DEALS])
  const secrets = await hub.book.liveSecrets(1)
  expect(secrets.map(({ secret }) => secret).sort()).toEqual(
    [...hub.system.live.values()].map(({ secret }) => secret).sort(),
  )
  const dump = JSON.stringify((await hub.pool.query('select * from webhook_subscription')).rows)
  for (const { secret } of secrets) expect(dump).not.toContain(secret)
  hub.wish.streams = ['deals']
  await hub.keep()
  expect(urls(hub.system)).toEqual([DEALS])
  hub.wish.streams = []
  await hub.keep()
  expect(urls(hub.system)).toEqual([])
  expect(await hub.rows()).toEqual([])
  expect((await hub.pool.query('select 1 from secret')).rowCount).toBe(0)
})

test('they are renewed before they end, and ordered anew after they were lost or had ended', async () => {
  await using hub = await world()
  hub.wish.streams = ['contacts']
  await hub.keep()
  const [id] = [...hub.system.live.keys()]
  for (let i = 0; i < 3; i++) {
    hub.clock.passed += 2.1 * DAY
    await hub.keep()
  }
  expect([...hub.system.live.keys()]).toEqual([id])
  // Somebody removed it there.
  hub.system.live.clear()
  hub.clock.passed += 2 * 60 * 60_000
  await hub.keep()
  expect(urls(hub.system)).toEqual([CONTACTS])
  // The hub was down for longer than it lives.
  hub.clock.passed += 30 * DAY
  await hub.keep()
  expect(urls(hub.system)).toEqual([CONTACTS])
  expect((await hub.rows()).map(({ state }) => state)).toEqual(['active'])
})

test('where a system knows no renewal, another one is ordered before the old one is removed', async () => {
  await using hub = await world(MANIFEST.replace(RENEW, ''))
  hub.wish.streams = ['contacts']
  await hub.keep()
  hub.server.asked.length = 0
  hub.clock.passed += 2.1 * DAY
  await hub.keep()
  expect(hub.server.asked.map(({ method }) => method).filter((method) => method !== 'GET')).toEqual(['POST', 'DELETE'])
  expect([...hub.system.live.keys()]).toEqual(['s2'])
})

test('an order whose answer was lost is found again with its secret; one the system made the secret of is removed', async () => {
  await using hub = await world()
  hub.wish.streams = ['contacts']
  hub.system.mishap = ({ method }) => (method === 'POST' ? 'lost after' : undefined)
  await hub.keep()
  expect((await hub.rows()).map(({ state }) => state)).toEqual(['ordering'])
  hub.system.mishap = () => undefined
  hub.clock.passed += 25_000
  await hub.keep()
  expect([...hub.system.live.keys()]).toEqual(['s1'])
  expect((await hub.rows())[0]).toMatchObject({ state: 'active', remoteId: 's1' })
  expect(await hub.book.liveSecrets(1)).toEqual([{ id: 's1', secret: hub.system.live.get('s1')!.secret }])

  await using other = await world(
    MANIFEST.replace('    id: response.id\n', '    id: response.id\n    secret: response.signing\n'),
  )
  other.wish.streams = ['contacts']
  other.system.mishap = ({ method }) => (method === 'POST' ? 'lost after' : undefined)
  await other.keep()
  other.system.mishap = () => undefined
  other.clock.passed += 25_000
  await other.keep()
  expect([...other.system.live.keys()]).toEqual(['s2'])
  expect(await other.book.liveSecrets(1)).toEqual([{ id: 's2', secret: 'theirs-s2' }])
})

test('a list that lags behind leads to no second order', async () => {
  await using hub = await world()
  hub.wish.streams = ['contacts']
  hub.system.lags = true
  await hub.keep({ book: dying(hub.book, 5) })
  expect(hub.system.live.size).toBe(1)
  hub.clock.passed += 10_000
  await hub.keep()
  expect(hub.system.live.size).toBe(1)
  hub.system.lags = false
  hub.clock.passed += 15_000
  await hub.keep()
  expect([...hub.system.live.keys()]).toEqual(['s1'])
  expect((await hub.rows())[0]).toMatchObject({ state: 'active', remoteId: 's1' })
})

test('without a list, an order that nothing was heard of waits for a person, who may say that there is none', async () => {
  await using hub = await world(MANIFEST.replace(FIND, '').replace('  lifetime_seconds: 259200\n', ''))
  hub.wish.streams = ['contacts']
  hub.system.mishap = () => 'lost after'
  await hub.keep()
  hub.system.mishap = () => undefined
  for (let i = 0; i < 3; i++) {
    hub.clock.passed += DAY
    await hub.keep()
  }
  expect(hub.system.live.size).toBe(1)
  const { rows } = await hub.pool.query<{ id: number; error: string }>('select id, error from webhook_subscription')
  expect(JSON.parse(rows[0]!.error)).toMatchObject({ code: 'CSW-5014' })
  hub.system.live.clear()
  expect(await hub.book.tryAgain(rows[0]!.id)).toBe(true)
  await hub.keep()
  expect((await hub.rows()).map(({ state }) => state)).toEqual(['active'])
  expect(hub.system.live.size).toBe(1)
})

test('what is refused is tried again, later each time, and shows its error; without a public address nothing is ordered', async () => {
  await using hub = await world()
  hub.wish.streams = ['contacts']
  hub.system.mishap = () => 'refused'
  const waits: number[] = []
  hub.system.mishap = ({ method }) => (method === 'POST' ? 'refused' : undefined)
  for (let i = 0; i < 6; i++) {
    await hub.keep()
    const [row] = (await hub.rows()) as [SubscriptionRow]
    waits.push(row.nextAt!.getTime() - hub.clock.now().getTime())
    hub.clock.passed += waits.at(-1)! + 1_000
  }
  expect(hub.server.asked.filter(({ method }) => method === 'POST')).toHaveLength(6)
  expect(waits[5]).toBeGreaterThan(4 * waits[0]!)
  await using silent = await world()
  silent.wish.publicUrl = null
  await silent.keep()
  expect(silent.server.asked).toEqual([])
})

test('a worker that lost its lease neither sends nor writes', async () => {
  await using hub = await world()
  const lost: SubscriptionPorts['holdLease'] = async (name) => {
    const lease = await hub.ports.holdLease(name)
    await hub.pool.query(`update lease set token = token + 1 where name = $1`, [name])
    return lease
  }
  await hub.keep({ holdLease: lost })
  expect(hub.system.live.size).toBe(0)
  expect(await hub.rows()).toEqual([])
})

/** Ends the work at a random change of the ledger, before or after it, as the death of the process would. */
const dying = (book: SubscriptionBook, at: number): SubscriptionBook => {
  let changes = 0
  const CHANGES = ['want', 'replace', 'sending', 'settle', 'seen', 'leave', 'forget', 'fail']
  return new Proxy(book, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        const counts = CHANGES.includes(String(name))
        if (counts && changes > at / 2) throw new Error('dead')
        if (counts && ++changes > at / 2 && at % 2 === 0) throw new Error('dead')
        return (value as (...given: unknown[]) => Promise<unknown>).apply(target, given)
      }
    },
  })
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('mishap' as const),
    mishap: fc.constantFrom('refused', 'lost before', 'lost after'),
    of: fc.nat(6),
  }),
  fc.record({ kind: fc.constant('death' as const), at: fc.nat(14) }),
  fc.record({ kind: fc.constant('wish' as const), streams: fc.subarray(['contacts', 'deals']) }),
  fc.record({ kind: fc.constant('lost' as const), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(5_000, 25_000, 3_700_000, 2.2 * DAY, 5 * DAY) }),
)

test('whatever is refused, lost, removed or dies: in the end exactly what is wished lives, once, under a known secret', {
  timeout: 120_000,
}, async () => {
  await using hub = await world()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
      for (const one of steps) {
        let calls = 0
        if (one.kind === 'mishap') hub.system.mishap = () => (calls++ === one.of ? (one.mishap as Mishap) : undefined)
        if (one.kind === 'wish') hub.wish.streams = one.streams
        if (one.kind === 'time') hub.clock.passed += one.ms
        if (one.kind === 'lost') hub.system.live.delete([...hub.system.live.keys()][one.at] ?? '')
        await hub.keep(one.kind === 'death' ? { book: dying(hub.book, one.at) } : {})
        hub.system.mishap = () => undefined
        // Never more than the old one and its successor.
        for (const url of [CONTACTS, DEALS])
          expect(urls(hub.system).filter((live) => live === url).length).toBeLessThanOrEqual(2)
      }
      for (let i = 0; i < 4; i++) {
        hub.clock.passed += 61 * 60_000
        await hub.keep()
      }
      expect(urls(hub.system)).toEqual(
        hub.wish.streams.map((stream) => `https://hub.example.com/hooks/crm/${stream}`).sort(),
      )
      const known = new Map((await hub.book.liveSecrets(1)).map(({ id, secret }) => [id, secret]))
      for (const [id, { secret }] of hub.system.live) expect(known.get(id)).toBe(secret)
      expect(known.size).toBe(hub.system.live.size)
    }),
    { numRuns: 25 },
  )
})
