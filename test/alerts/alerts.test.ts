import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { noteObserved, type Observed, openChannel, sendDue } from '../../src/alerts/index.ts'
import { turnsOf } from '../../src/alerts/turns.ts'
import { alertServices } from '../../src/assemble/alert-services.ts'
import { alertSweep } from '../../src/assemble/alerts.ts'
import { readHubFiles } from '../../src/assemble/files.ts'
import { toModel, toShape } from '../../src/assemble/model.ts'
import { recordedIn } from '../../src/assemble/recorded.ts'
import { timetable } from '../../src/assemble/timetable.ts'
import { checkHub } from '../../src/config/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { scheduleKey } from '../../src/queue/index.ts'
import { type AlertSubjectRow, appendAudit, createLedger } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'
import { httpReceiver, mailReceiver } from './receivers.ts'

const KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const CANARY = 'zofia.canary@private.test'
const PASSWORD = 'canary-password-4711'
const ENV = { KEY, CHANNEL: '', PASSWORD, CRM_KEY: 'canary-crm-key' }

const connections = `connections:
  crm: { connector: sample-crm, settings: { url: "http://127.0.0.1:1" }, secrets: { key: env:CRM_KEY } }
  desk: { connector: sample-crm, settings: { url: "http://127.0.0.1:1" }, secrets: { key: env:CRM_KEY } }
`
const MAPPING = `from: crm:contacts
to: desk:contacts
match: [email]
map: { email: email, lastName: lastName }
schedule: { every: 10m }
`
const webhook = (url: string, more = ''): string =>
  `  ops: { kind: webhook, url: "${url}", secrets: { signing_key: env:KEY }, allow: [127.0.0.1]${more} }\n`

async function folderWith(alerts: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-alerts-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'causeway.yaml'), `${connections}alerts:\n${alerts}`)
  await writeFile(join(dir, 'mappings', 'contacts.yaml'), MAPPING)
  return dir
}

/** A ledger with one sync, and the sweep over it with a clock that only the test moves. */
async function hubWith(alerts: string, env: Record<string, string> = ENV) {
  const { pool, url } = await freshDatabase()
  // The tests of this file would together hold more sessions than the server has.
  onTestFinished(() => pool.end())
  const dir = await folderWith(alerts)
  const files = await readHubFiles({ dir, env })
  expect(files.findings).toEqual([])
  const registry = await createLedger(pool).registerHub(toShape(files.config.connections.values(), files.syncs, []))
  const model = toModel(registry, files.syncs, [])
  // Slots of ten minutes stand on the clock of the wall: from one on it is ten minutes until a sync can be late, whenever the test runs.
  const time = { now: Math.ceil(Date.now() / 600_000) * 600_000 }
  const lines: string[] = []
  const log = createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } })
  const clock = { now: () => new Date(time.now), monotonic: () => time.now }
  const channel = {
    sources: { env, folder: dir },
    publicUrl: 'https://hub.test',
    addSecrets: (values: readonly string[]) => log.addSecrets(values),
  }
  const parts = { pool, files: () => files, model: () => model, log, clock, channel }
  const sweeps = ['one', 'two'].map((holder) => alertSweep({ ...parts, holder }))
  const syncId = model.syncByName('contacts')!.row.id
  return {
    pool,
    url,
    dir,
    lines,
    files,
    log,
    streamId: model.syncByName('contacts')!.row.fromStream,
    /** What two processes do in one round, `seconds` after the one before. */
    async round(seconds = 0, hurry = true): Promise<void> {
      time.now += seconds * 1_000
      if (hurry) await pool.query(`update alert_message set next_at = now() where state = 'waiting'`)
      await Promise.all(sweeps.map((sweep) => sweep.run(new AbortController().signal)))
    },
    services: alertServices({
      ...parts,
      audit: (actor, action, subject, detail = {}) => appendAudit(pool, { actor: actor.name, action, subject, detail }),
      recorded: recordedIn(pool),
    }),
    async bury(recordId: string, fingerprint = 'f1'): Promise<void> {
      const error = { code: 'CSW-3008', what: `the target says: ${CANARY} is taken`, fix: CANARY }
      await pool.query(
        `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input)
         values ('push', $1, $2, '', 'CSW-3008', $3, $4, $5)`,
        [syncId, recordId, fingerprint, JSON.stringify(error), JSON.stringify({ email: CANARY })],
      )
    },
    discardAll: () => pool.query(`update dead_letter set state = 'discarded'`),
  }
}

const typesOf = (taken: { body: string }[]): string[] => taken.map(({ body }) => JSON.parse(body).type)

test('the routes of the guide are sound, and mistakes are found where they stand', async () => {
  const guide = await readFile(join(import.meta.dirname, '../../docs/operate/alerts.md'), 'utf8')
  const example = /```yaml causeway.yaml\n([\s\S]*?)```/.exec(guide)![1]!
  const read = async (text: string) => {
    const dir = await mkdtemp(join(tmpdir(), 'causeway-alerts-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    await writeFile(join(dir, 'causeway.yaml'), text)
    return checkHub({ folder: dir, env: {} })
  }
  const sound = await read(example)
  expect(sound.findings).toEqual([])
  expect(sound.alerts.map(({ name, target }) => [name, target.kind])).toEqual([
    ['ops', 'webhook'],
    ['sales-chat', 'slack'],
    ['mail', 'email'],
  ])
  const wrong = async (entry: string) => (await read(`alerts:\n  x: ${entry}\n`)).findings.map(({ message }) => message)
  expect(await wrong('{ kind: webhook, url: "https://a.test" }')).toEqual([expect.stringContaining('"signing_key"')])
  const literal = await wrong('{ kind: slack, secrets: { url: "https://hooks.slack.test/T/B/canary" } }')
  expect(literal).toEqual([expect.stringContaining('must not stand in the file')])
  expect(literal.join()).not.toContain('canary')
  expect(await wrong('{ kind: slack, url: "https://a.test", secrets: { url: env:A } }')).toHaveLength(1)
  expect(
    await wrong(
      '{ kind: email, from: a@b.c, to: [a@b.c], smtp: { host: h, user: u, security: none }, secrets: { password: env:A } }',
    ),
  ).toEqual([expect.stringContaining('in the clear')])
  const dir = await folderWith('  x: { kind: slack, secrets: { url: env:A }, syncs: [contact], connections: [crm] }\n')
  const { findings } = await readHubFiles({ dir, env: ENV })
  expect(findings.map(({ code, fix }) => [code, fix])).toEqual([['CSW-1007', 'Did you mean "contacts"?']])
})

test('a subject begins and ends by turns, whatever is seen when', () => {
  const subject = (key: number, severity: 'error' | 'warning'): Observed =>
    ({ key: `k${key}`, kind: 'problem', severity, title: '', passing: false }) as unknown as Observed
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          seen: fc.uniqueArray(fc.nat(3)),
          seconds: fc.integer({ min: 1, max: 400 }),
          looks: fc.boolean(),
        }),
      ),
      (rounds) => {
        const rows = new Map<string, AlertSubjectRow>()
        const told = new Map<string, string[]>()
        let now = 0
        for (const { seen, seconds, looks } of rounds) {
          now += seconds * 1_000
          const observed = looks ? seen.map((key) => subject(key, key === 3 ? 'warning' : 'error')) : []
          const { save, drop, turns } = turnsOf(
            [...rows.values()],
            observed,
            new Set(looks ? ['problem'] : []),
            new Date(now),
          )
          for (const row of save) rows.set(row.key, row)
          for (const key of drop) rows.delete(key)
          for (const { change, subject: of } of turns) told.set(of.key, [...(told.get(of.key) ?? []), change])
          for (const { key, severity } of observed) if (severity === 'error') expect(rows.get(key)?.state).toBe('open')
        }
        for (const changes of told.values())
          changes.forEach((change, at) => {
            expect(change).toBe(at === 0 ? 'opened' : at % 2 ? 'recovered' : 'reopened')
          })
      },
    ),
  )
})

test('a problem is told once for all its records, signed, again after a failure with the same id, and its end and return too', async () => {
  let well = false
  const receiver = await httpReceiver(() => (well ? 200 : 500))
  const hub = await hubWith(webhook(receiver.url))
  for (const id of ['1', '2', '3']) await hub.bury(id)
  await hub.round()
  await hub.round(10)
  expect(new Set(receiver.taken.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(hub.lines.map((line) => JSON.parse(line).code)).toEqual(['CSW-3006', 'CSW-3006'])
  well = true
  await hub.bury('4')
  await hub.round(10)
  await hub.round(10)
  const ids = new Set(receiver.taken.map(({ headers }) => headers['webhook-id']))
  expect(ids.size).toBe(1)
  const last = receiver.taken.at(-1)!
  expect(new Webhook(KEY).verify(last.body, last.headers)).toMatchObject({
    type: 'problem.opened',
    data: { code: 'CSW-3008', connection: 'desk', syncs: ['contacts'], count: 3, url: 'https://hub.test/' },
  })
  const { time, timestamp, ...event } = JSON.parse(last.body) as Record<string, string>
  expect(last.headers['content-type']).toBe('application/cloudevents+json')
  expect(event).toMatchObject({ specversion: '1.0', id: [...ids][0], source: 'https://hub.test' })
  expect([time, new Date(time!).toISOString()]).toEqual([timestamp, timestamp])
  // Attributes of CloudEvents have names of small letters and digits.
  expect(Object.keys(event).filter((name) => !/^[a-z0-9]+$/.test(name))).toEqual([])
  const [row] = (await hub.pool.query('select state, attempts from alert_message')).rows
  expect(row).toEqual({ state: 'sent', attempts: 3 })

  await hub.discardAll()
  await hub.round(30)
  expect(typesOf(receiver.taken)).not.toContain('problem.recovered')
  await hub.round(60)
  expect(typesOf(receiver.taken).at(-1)).toBe('problem.recovered')
  await hub.bury('5')
  await hub.round(10)
  expect(typesOf(receiver.taken).at(-1)).toBe('problem.reopened')

  const everything = JSON.stringify([
    receiver.taken,
    hub.lines,
    (await hub.pool.query('select * from alert_message')).rows,
  ])
  for (const secret of [CANARY, KEY, KEY.slice(6), ENV.CRM_KEY]) expect(everything).not.toContain(secret)
})

test('a worker killed while it sends leaves the message to the next one, with its id', async () => {
  let hang = true
  const receiver = await httpReceiver(() => (hang ? null : 200))
  const hub = await hubWith(webhook(receiver.url))
  await hub.bury('1')
  await hub.pool.query(
    `insert into alert_snooze (scope, until, actor) values ('route:ops', now() + interval '1 hour', 't')`,
  )
  await hub.round()
  expect(receiver.taken).toEqual([])
  await hub.pool.query('delete from alert_snooze')
  const arrived = receiver.next()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sender.ts'), hub.url, hub.dir], {
    env: { ...process.env, ...ENV },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  await Promise.race([arrived, ended])
  child.kill('SIGKILL')
  await ended
  hang = false
  await hub.round(10)
  expect(receiver.taken.length).toBeGreaterThan(1)
  expect(new Set(receiver.taken.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect((await hub.pool.query('select state from alert_message')).rows).toEqual([{ state: 'sent' }])
})

test('snoozed things are told when they are still wrong then, and never when they ended meanwhile', async () => {
  const receiver = await httpReceiver()
  const hub = await hubWith(webhook(receiver.url))
  const actor = { name: 'user:ada', reason: null }
  const soon = () => new Date(Date.now() + 3_600_000)
  await hub.services.snooze({ route: 'ops' }, soon(), actor)
  await hub.bury('1', 'lasts')
  await hub.round()
  await hub.pool.query(`update dead_letter set state = 'discarded' where fingerprint = 'lasts'`)
  await hub.bury('2', 'stays')
  await hub.round(70)
  expect(receiver.taken).toEqual([])
  await hub.services.wake({ route: 'ops' }, actor)
  await hub.round(10)
  expect(typesOf(receiver.taken)).toEqual(['problem.opened'])
  const states = await hub.pool.query('select state, change from alert_message order by seq')
  expect(states.rows).toEqual([
    { state: 'cancelled', change: 'opened' },
    { state: 'sent', change: 'opened' },
  ])
  const [open] = (await hub.pool.query<{ key: string }>(`select key from alert_subject where state = 'open'`)).rows
  await hub.services.snooze({ subject: open!.key }, soon(), actor)
  await hub.discardAll()
  await hub.round(70)
  expect(receiver.taken).toHaveLength(1)
  await expect(hub.services.snooze({ subject: 'none' }, soon(), actor)).rejects.toMatchObject({ code: 'CSW-1007' })
  await expect(hub.services.snooze({ route: 'ops' }, new Date(0), actor)).rejects.toMatchObject({ code: 'CSW-8003' })
  const audit = await hub.pool.query('select action, actor from audit order by id')
  expect(audit.rows.map(({ action }) => action)).toEqual(['alert.snooze', 'alert.wake', 'alert.snooze'])
})

test('many things at once are one message, a route that is away holds up no other, and each route gets what it asked for', async () => {
  const [many, picky] = await Promise.all([httpReceiver(), httpReceiver()])
  const hub = await hubWith(
    `${webhook(many.url)}${webhook('http://127.0.0.1:1').replace('ops', 'gone')}${webhook(picky.url, ', tell: [authorisation], connections: [crm]').replace('ops', 'picky')}`,
  )
  for (let i = 0; i < 30; i++) await hub.bury(String(i), `cause-${i}`)
  await hub.pool.query(
    `update connection set state = 'needs_authorisation', state_reason = $1, state_since = now() where name = 'crm'`,
    [`refused ${CANARY}`],
  )
  await hub.round()
  expect(typesOf(many.taken)).toEqual(['alert.digest'])
  expect(JSON.parse(many.taken[0]!.body).data).toMatchObject({ total: 31, items: { length: 31 } })
  expect(typesOf(picky.taken)).toEqual(['connection.needs_authorisation'])
  expect(JSON.stringify([many.taken, picky.taken])).not.toContain(CANARY)
  // The end of what a digest told is told like any other.
  await hub.pool.query(`update connection set state = 'active' where name = 'crm'`)
  await hub.round(70)
  expect(typesOf(many.taken).at(-1)).toBe('connection.authorised')
  expect(typesOf(picky.taken).at(-1)).toBe('connection.authorised')
})

test('a sync whose time came and nothing began is late until it begins', async () => {
  const receiver = await httpReceiver()
  const hub = await hubWith(webhook(receiver.url, ', syncs: [contacts]'))
  await hub.round(59)
  await hub.round(10)
  expect(receiver.taken).toEqual([])
  await hub.round(20 * 60)
  expect(typesOf(receiver.taken)).toEqual(['sync.late'])
  await hub.pool.query(`update sync set state = 'paused'`)
  await hub.round(70)
  expect(typesOf(receiver.taken)).toEqual(['sync.late', 'sync.on_time'])
})

test('channels of Slack and Teams get what they take, and their address, a secret, is told nobody', async () => {
  let status = 200
  const receiver = await httpReceiver(() => status)
  const secretPath = '/services/T0/B0/canary-of-channel?sig=canary-signature-0123'
  const env = { ...ENV, CHANNEL: `${receiver.url}${secretPath}` }
  const entry = (name: string, kind: string) =>
    `  ${name}: { kind: ${kind}, secrets: { url: env:CHANNEL }, allow: [127.0.0.1] }\n`
  const hub = await hubWith(`${entry('slack', 'slack')}${entry('teams', 'teams')}`, env)
  const actor = { name: 'user:<ada>', reason: null }
  await hub.services.test('slack', actor)
  await hub.services.test('teams', actor)
  const [slack, teams] = receiver.taken.map(({ body }) => JSON.parse(body))
  expect(receiver.taken.map(({ path }) => path)).toEqual([secretPath, secretPath])
  expect(JSON.stringify(slack.blocks)).toContain('user:&lt;ada&gt;')
  expect(teams.attachments[0].content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
  status = 403
  await hub.bury('1')
  await hub.round()
  const failure = await hub.services.test('slack', actor).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'CSW-3004' })
  const told = JSON.stringify([failure, (failure as Error).message, hub.lines])
  const { rows } = await hub.pool.query('select error from alert_message where error is not null')
  expect(rows).toHaveLength(2)
  for (const secret of ['canary-of-channel', 'canary-signature'])
    expect(`${told}${JSON.stringify(rows)}`).not.toContain(secret)
})

test('mail arrives with the id at every attempt, and never without the TLS that was asked for', async () => {
  const plain = await mailReceiver({ disabledCommands: ['STARTTLS', 'AUTH'] })
  const mail = (port: number, security: string, more = ''): string =>
    `{ kind: email, smtp: { host: 127.0.0.1, port: ${port}, security: ${security}${more} }, from: hub@causeway.test, to: [ops@x.test, "${CANARY}"], allow: [127.0.0.1]`
  const hub = await hubWith(`  mail: ${mail(plain.port, 'none')} }\n`)
  await hub.bury('1')
  await hub.round()
  const [{ id }] = (await hub.pool.query<{ id: string }>('select id from alert_message')).rows as [{ id: string }]
  expect(plain.mails).toHaveLength(1)
  expect(plain.mails[0]).toMatchObject({ from: 'hub@causeway.test', to: ['ops@x.test', CANARY] })
  expect(plain.mails[0]!.text).toMatch(new RegExp(`Message-ID: <${id}@causeway.test>`, 'i'))
  expect(plain.mails[0]!.text).toContain('CSW-3008')

  // Its certificate is one that nobody vouches for; the other offers no TLS at all.
  const own = await mailReceiver({ login: { user: 'hub', password: PASSWORD } })
  for (const [port, receiver, code] of [
    [own.port, own, 'CSW-3018'],
    [plain.port, plain, 'CSW-3018'],
  ] as const) {
    const dir = await folderWith(
      `  mail: ${mail(port, 'starttls', ', user: hub')}, secrets: { password: env:PASSWORD } }\n`,
    )
    const { config } = await readHubFiles({ dir, env: ENV })
    const secrets: string[] = []
    const channel = await openChannel(config.alerts[0]!, {
      sources: { env: ENV, folder: dir },
      publicUrl: null,
      addSecrets: (values) => void secrets.push(...values),
    })
    const before = receiver.said.length
    const failure = await channel
      .send({ id: 'msg_1', at: new Date(), change: 'test', actor: 'a' })
      .catch((error) => error)
    expect(failure).toMatchObject({ code })
    expect(receiver.said.length).toBe(before)
    expect(secrets).toContain(PASSWORD)
    expect(JSON.stringify(failure)).not.toContain(PASSWORD)
  }
})

test('mail obeys the rules of addresses', async () => {
  const receiver = await mailReceiver()
  const hub = await hubWith(
    `  mail: { kind: email, smtp: { host: 127.0.0.1, port: ${receiver.port}, security: none }, from: a@b.test, to: [c@d.test] }\n`,
  )
  await expect(hub.services.test('mail', { name: 'a', reason: null })).rejects.toMatchObject({ code: 'CSW-3010' })
  expect(receiver.said).toEqual([])
})

/** Answers EHLO with one line after the other, each in time, for ever. */
async function drippingServer() {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined).write('220 drip\r\n')
    socket.once('data', () => {
      const dripping = setInterval(() => socket.write('250-x\r\n'), 20)
      socket.once('close', () => clearInterval(dripping))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

test('a mail server that talks for ever, and a channel that never answers, end no later than a message and a round may take', async () => {
  const drip = await drippingServer()
  const hub = await hubWith(
    `  mail: { kind: email, smtp: { host: 127.0.0.1, port: ${drip.port}, security: none }, from: a@b.test, to: [c@d.test], allow: [127.0.0.1] }\n`,
  )
  const [route] = hub.files.config.alerts
  const channel = await openChannel(route!, {
    sources: { env: ENV, folder: hub.dir },
    publicUrl: null,
    addSecrets: () => undefined,
    mailDeadlineMs: 300,
  })
  const failure = await channel
    .send({ id: 'msg_1', at: new Date(), change: 'test', actor: 'a' })
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'CSW-3002' })
  const [socket] = drip.sockets
  if (!socket!.closed) await once(socket!, 'close')

  await noteObserved(hub.pool, [route!], { observed: [observed()], looked: new Set(['problem']), now: new Date() })
  let closed = 0
  const silent = { send: () => new Promise<never>(() => {}), close: () => void closed++ }
  const parts = { pool: hub.pool, log: hub.log, maySend: () => true, routeMs: 100 }
  await sendDue({ ...parts, open: async () => silent }, [route!])
  expect(closed).toBe(1)
  const { rows } = await hub.pool.query<{ state: string; error: string }>('select state, error from alert_message')
  expect(rows).toEqual([{ state: 'waiting', error: expect.stringContaining('CSW-3002') }])
})

const observed = (more: Partial<Observed> = {}): Observed => ({
  key: 'k',
  kind: 'problem',
  severity: 'error',
  title: 't',
  code: null,
  meaning: '',
  action: '',
  connection: null,
  syncs: [],
  streams: [],
  count: 1,
  since: '',
  path: '/',
  passing: false,
  ...more,
})

test('late is a pull that waits since it was first asked for, and none that is under way or just ended', async () => {
  const receiver = await httpReceiver()
  const hub = await hubWith(webhook(receiver.url, ', tell: [late]'))
  const ledger = createLedger(hub.pool)
  // The timetable itself fires: the last slot is always a moment ago.
  const fire = async () => {
    for (const { schedule, streams } of timetable(hub.files)) {
      await hub.pool.query(
        `insert into schedule_slot (schedule, slot, fired_at, fired_by) values ($1, now() + interval '9 hours', now() + interval '9 hours', 't')
         on conflict do nothing`,
        [scheduleKey(schedule)],
      )
      expect(streams).toBeDefined()
      await ledger.requestPull([hub.streamId], 'incremental', null)
    }
  }
  await fire()
  const lease = `insert into lease (name, holder, expires_at) values ('pull:${hub.streamId}', 'w', now() + interval '9 hours')`
  await hub.pool.query(lease)
  await hub.round(6 * 60)
  expect(receiver.taken).toEqual([])
  await hub.pool.query(`update lease set expires_at = '-infinity' where name like 'pull:%'`)
  await fire()
  await hub.round(60)
  expect(typesOf(receiver.taken)).toEqual(['sync.late'])

  await ledger.beginPull(hub.streamId)
  await hub.round(70)
  expect(typesOf(receiver.taken)).toEqual(['sync.late', 'sync.on_time'])
  const askedFor = async () =>
    (
      await hub.pool.query(`select now() - pull_asked_at < interval '30 minutes' as fresh from stream where id = $1`, [
        hub.streamId,
      ])
    ).rows[0].fresh
  expect(await askedFor()).toBe(null)
  await ledger.requestPull([hub.streamId], 'full', null)
  await hub.pool.query(`update stream set pull_asked_at = now() - interval '1 hour' where id = $1`, [hub.streamId])
  await ledger.requestPull([hub.streamId], 'full', null)
  expect(await askedFor()).toBe(false)
  await ledger.endPull(hub.streamId, { mode: 'incremental', request: null })
  expect(await askedFor()).toBe(true)
})

test('the end of what lasted longer than messages are kept is told, and routes that left the files take theirs along a day later', async () => {
  const receiver = await httpReceiver()
  const hub = await hubWith(webhook(receiver.url, ', tell: [problem]'))
  await hub.bury('1')
  await hub.round()
  await hub.pool.query(`update alert_message set ended_at = now() - interval '8 days'`)
  await hub.pool.query(
    `insert into alert_message (id, route, change, content, created_at)
     values ('old', 'gone', 'opened', '{}', now() - interval '25 hours'), ('new', 'coming', 'opened', '{}', now())`,
  )
  await hub.round(3_600)
  await hub.discardAll()
  await hub.round(70)
  // In that hour the timetable of the hub that nobody works for was late too.
  const ofProblems = typesOf(receiver.taken).filter((type) => type.startsWith('problem.'))
  expect(ofProblems).toEqual(['problem.opened', 'problem.recovered'])
  const { rows } = await hub.pool.query(`select id, state from alert_message where route <> 'ops' order by seq`)
  expect(rows).toEqual([
    { id: 'old', state: 'cancelled' },
    { id: 'new', state: 'waiting' },
  ])

  const none = await hubWith('')
  await none.pool.query(`insert into alert_message (id, route, change, content, state, ended_at)
                         values ('old', 'gone', 'opened', '{}', 'sent', now() - interval '8 days')`)
  await none.round()
  expect((await none.pool.query('select id from alert_message')).rows).toEqual([])
})

test('no end overtakes the digest that tells the beginning, and none is told of what a digest could not tell', async () => {
  const receiver = await httpReceiver(() => 500)
  const hub = await hubWith(webhook(receiver.url))
  for (let i = 0; i < 12; i++) await hub.bury(String(i), `cause-${i}`)
  await hub.round()
  expect(typesOf(receiver.taken)).toEqual(['alert.digest'])
  await hub.pool.query(`update alert_message set next_at = now() + interval '1 hour' where state = 'waiting'`)
  await hub.discardAll()
  await hub.round(70, false)
  expect(receiver.taken).toHaveLength(1)
  await hub.pool.query(`update alert_message set first_tried_at = now() - interval '2 days' where change = 'digest'`)
  await hub.round(10)
  await hub.round(10)
  expect(new Set(typesOf(receiver.taken))).toEqual(new Set(['alert.digest']))
  const { rows } = await hub.pool.query(
    'select change, state, count(*)::int from alert_message group by change, state order by change, state',
  )
  expect(rows).toEqual([
    { change: 'digest', state: 'given_up', count: 1 },
    { change: 'opened', state: 'given_up', count: 12 },
    { change: 'recovered', state: 'cancelled', count: 12 },
  ])
})

test('a route is told of an open problem once its sync joins it or the route is new, and what begins after it was forgotten has another id', async () => {
  const hub = await hubWith(webhook('http://127.0.0.1:1'))
  const [ops] = hub.files.config.alerts
  const routes = ['a', 'b'].map((name) => ({ ...ops!, name, syncs: [name] }))
  const looked = new Set(['problem' as const])
  let now = Date.now()
  const look = (...seen: Observed[]) => {
    now += 70_000
    return noteObserved(hub.pool, routes, { observed: seen, looked, now: new Date(now) })
  }
  const messages = async () =>
    (
      await hub.pool.query<{ id: string; route: string; change: string }>(
        'select id, route, change from alert_message order by seq',
      )
    ).rows
  const routesOf = async () => (await messages()).map(({ route, change }) => `${change} ${route}`)
  await look(observed({ syncs: ['a'] }))
  expect(await routesOf()).toEqual(['opened a'])
  await look(observed({ syncs: ['a', 'b'] }))
  await look(observed({ syncs: ['a', 'b'] }))
  expect(await routesOf()).toEqual(['opened a', 'opened b'])
  // A route that is new by now, of all syncs.
  routes.push({ ...ops!, name: 'c', syncs: [] })
  await look(observed({ syncs: ['a', 'b'] }))
  await look(observed({ syncs: ['a', 'b'] }))
  expect(await routesOf()).toEqual(['opened a', 'opened b', 'opened c'])
  const ids = (await messages()).map(({ id }) => id)
  await hub.pool.query('delete from alert_message; delete from alert_subject')
  await look(observed({ syncs: ['a', 'b'] }))
  expect((await messages()).filter(({ id }) => ids.includes(id))).toEqual([])
})

test('of more causes than are told none seems to end, and records that a source gave wrong are one for each stream', async () => {
  const receiver = await httpReceiver()
  const hub = await hubWith(webhook(receiver.url))
  await hub.pool.query(
    `insert into dead_letter (kind, stream_id, record_id, part, code, fingerprint, error, input)
     select 'pull', $1, i::text, '', 'CSW-5001', 'f' || i, '{}', '{}' from generate_series(1, 50) i`,
    [hub.streamId],
  )
  await hub.bury('tail', 'tail')
  await hub.round()
  expect(typesOf(receiver.taken)).toEqual(['problem.opened', 'problem.opened'])
  await hub.pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input)
     select 'push', sync_id, 'r' || i, '', code, 'f' || i / 2, '{}', '{}' from dead_letter, generate_series(2, 2003) i where record_id = 'tail'`,
  )
  await hub.round(10)
  await hub.round(70)
  expect((await hub.pool.query(`select count(*)::int from alert_subject`)).rows).toEqual([{ count: 1_001 }])
  expect((await hub.pool.query(`select from alert_message where change = 'recovered'`)).rowCount).toBe(0)
})
