/** Secrets that people give the hub to keep: from the command to the header of a call, and a rotation that asks nobody. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { httpReceiver } from '../alerts/receivers.ts'
import { freshDatabase } from '../postgres.ts'

const actor = { name: 'user:ada', reason: null }
const mapping = (stream: string, key: string, more = ''): string =>
  `from: crm:${stream}\nto: other:${stream}\nmatch: [${key}]\nmap:\n  ${key}: ${key}\n${more}`

/** A CRM without companies that lets in whoever has the key of the day. */
async function crm() {
  const state = { key: 'first-key-3c9d', refused: 0, hold: async (_url: string): Promise<void> => {} }
  const server = createServer(async (request, response) => {
    request.resume()
    await state.hold(request.url!)
    const isIn = request.headers['x-api-key'] === state.key
    if (!isIn) state.refused++
    response.setHeader('content-type', 'application/json')
    response.statusCode = isIn ? 200 : 401
    response.end(isIn ? '{"results":[]}' : '{"message":"no"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { state, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A hub with two connections to such a system, which take their key from the hub's own store. */
async function hubOf(host: string) {
  const { pool, url } = await freshDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-stored-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'mappings/companies.yaml'), mapping('companies', 'name'))
  await writeFile(join(dir, 'mappings/contacts.yaml'), mapping('contacts', 'email', '  lastName: lastName\n'))
  const connection = (name: string) =>
    `  ${name}: { connector: sample-crm, settings: { url: "http://${host}" }, secrets: { key: "store:api-key" }, allow: ["${host}"] }\n`
  await writeFile(join(dir, 'causeway.yaml'), `hub: {}\nconnections:\n${connection('crm')}${connection('other')}`)
  const lines: string[] = []
  const logger = createLogger({ destination: { write: (line: string) => void lines.push(line) } })
  const hub = await openHub({ dir, role: 'all', env: { CAUSEWAY_DATABASE_URL: url }, logger })
  const pulled = async (stream: string) =>
    (
      await pool.query(
        `select 1 from run r join stream s on s.id = r.stream_id where kind = 'pull' and outcome = 'success' and s.name = $1`,
        [stream],
      )
    ).rowCount!
  return { hub, pool, lines, pulled }
}

test('a secret is kept sealed, reaches its connection, and one that is rotated takes effect without a person or a restart', async () => {
  const { state, host } = await crm()
  const { hub, pool, lines, pulled } = await hubOf(host)
  try {
    const { secrets, probe } = hub.services
    expect(await secrets.stored('crm')).toEqual([{ holder: 'crm', name: 'api-key', fields: ['key'], storedAt: null }])
    await expect(probe('crm', AbortSignal.timeout(30_000))).rejects.toMatchObject({
      code: 'CSW-1006',
      fix: expect.stringContaining('causeway secrets store crm api-key'),
    })
    for (const name of ['crm', 'other']) await secrets.store(name, 'api-key', state.key, actor)
    expect(await secrets.stored('crm')).toMatchObject([{ name: 'api-key', storedAt: expect.any(Date) }])
    expect((await probe('crm', AbortSignal.timeout(30_000))).every(({ ok }) => ok)).toBe(true)

    await hub.services.runSync('companies', { full: true, trigger: 'test', actor })
    await expect.poll(() => pulled('companies'), { timeout: 60_000 }).toBeGreaterThan(0)

    // The system takes the new key only, and the sessions that are open have the old one.
    const [before, refused] = [await pulled('companies'), state.refused]
    state.key = 'second-key-8e1f'
    for (const name of ['crm', 'other']) await secrets.store(name, 'api-key', state.key, actor)
    await hub.services.runSync('companies', { full: true, trigger: 'test', actor })
    await expect.poll(() => pulled('companies'), { timeout: 60_000 }).toBeGreaterThan(before)
    expect(state.refused).toBeGreaterThan(refused)
    const { rows } = await pool.query(`select state from connection where name = 'crm'`)
    expect(rows).toEqual([{ state: 'active' }])

    expect(await secrets.forget('crm', 'api-key', actor)).toEqual({ forgotten: true })
    expect(await secrets.forget('crm', 'api-key', actor)).toEqual({ forgotten: false })
    // What the hub keeps under the same name for itself is out of reach.
    await secrets.store('crm', 'webhook-connection', 'x', actor)
    const kept = await pool.query('select field from secret where connection = $1', ['crm'])
    expect(kept.rows).toEqual([{ field: 'own:webhook-connection' }])

    const audit = (await pool.query(`select action, subject, actor from audit where action like 'secret.%'`)).rows
    expect(audit).toContainEqual({ action: 'secret.store', subject: 'connection:crm', actor: 'user:ada' })
    expect(audit.filter(({ action }) => action === 'secret.forget')).toHaveLength(1)
    const { rows: tables } = await pool.query(`select encode(sealed, 'escape') as text from secret`)
    const everything = JSON.stringify([lines, tables, (await pool.query('select * from audit')).rows])
    for (const key of ['first-key-3c9d', 'second-key-8e1f']) expect(everything).not.toContain(key)
  } finally {
    await hub.close()
  }
})

test('work that goes on with the former credential of a connection, while other work has begun with the new one, stops nobody', async () => {
  const { state, host } = await crm()
  const { hub, pool, pulled } = await hubOf(host)
  try {
    const { secrets } = hub.services
    for (const name of ['crm', 'other']) await secrets.store(name, 'api-key', state.key, actor)
    const run = (sync: string) => hub.services.runSync(sync, { full: true, trigger: 'test', actor })
    for (const sync of ['companies', 'contacts']) await run(sync)
    for (const stream of ['companies', 'contacts'])
      await expect.poll(() => pulled(stream), { timeout: 60_000 }).toBeGreaterThan(0)

    // A pull of companies waits for its answer while the key is changed, and contacts are pulled with the new one before it comes.
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    state.hold = async (url) => {
      if (!url.includes('companies')) return
      asked.resolve()
      await answer.promise
    }
    await run('companies')
    await asked.promise
    state.key = 'second-key-8e1f'
    for (const name of ['crm', 'other']) await secrets.store(name, 'api-key', state.key, actor)
    const [companies, contacts] = [await pulled('companies'), await pulled('contacts')]
    await run('contacts')
    await expect.poll(() => pulled('contacts'), { timeout: 60_000 }).toBeGreaterThan(contacts)
    answer.resolve()
    await expect.poll(() => pulled('companies'), { timeout: 60_000 }).toBeGreaterThan(companies)
    const { rows } = await pool.query(`select state from connection where name = 'crm'`)
    expect(rows).toEqual([{ state: 'active' }])
  } finally {
    await hub.close()
  }
})

test('an alert route takes its secret from the store, and the one that took its place at the next message', async () => {
  const receiver = await httpReceiver()
  const { url } = await freshDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-stored-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(
    join(dir, 'causeway.yaml'),
    `hub: {}
alerts:
  ops: { kind: webhook, url: "${receiver.url}", secrets: { signing_key: "store:ops-key" }, allow: ["${new URL(receiver.url).host}"] }
`,
  )
  const logger = createLogger({ destination: { write: () => undefined } })
  const hub = await openHub({ dir, role: 'all', env: { CAUSEWAY_DATABASE_URL: url }, logger })
  try {
    const { secrets, alerts } = hub.services
    const wanted = { holder: 'alerts.ops', name: 'ops-key', fields: ['signing_key'], storedAt: null }
    expect(await secrets.allStored()).toEqual({ holders: ['alerts.ops'], items: [wanted] })
    await expect(alerts.test('ops', actor)).rejects.toMatchObject({
      code: 'CSW-1006',
      fix: 'Give it to the hub: causeway secrets store alerts.ops ops-key',
    })
    for (const [turn, letter] of ['a', 'b'].entries()) {
      const key = Buffer.from(letter.repeat(32)).toString('base64')
      await secrets.store('alerts.ops', 'ops-key', `whsec_${key}`, actor)
      await alerts.test('ops', actor)
      const { headers, body } = receiver.taken[turn]!
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      expect(headers['webhook-signature']).toBe(
        `v1,${createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64')}`,
      )
    }
    expect(JSON.stringify(await secrets.allStored())).not.toContain('whsec_')
    expect(await secrets.forget('alerts.ops', 'ops-key', actor)).toEqual({ forgotten: true })
    await expect(alerts.test('ops', actor)).rejects.toMatchObject({ code: 'CSW-1006' })
  } finally {
    await hub.close()
  }
}, 120_000)
