import { expect, test } from 'vitest'
import { OneAtATime, readInbox } from '../../src/pipeline/index.ts'
import { breakLeases, createLedger } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/*
 * A process that dies commits nothing more and gives nothing back: from one moment on its lease is another one's, and the hub
 * that goes on is another one over the same ledger.
 */

const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: ({ email, name }) => one({ email: email!, name: name! }),
}
const POISON = 'p3@example.test'

function systems(contacts: number) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < contacts; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Person ${i}` })
  return { crm, erp }
}

/** Runs one hub after the other until one of them lives, and everything it has left is done; gives the deaths. */
async function untilOneLives(first: TestHub, next: () => Promise<TestHub>, has: { died: boolean }): Promise<number> {
  let hub = first
  let deaths = 0
  for (let pass = 0; pass < 40; pass++) {
    has.died = false
    await hub.skipWaits()
    await hub.push('contacts').catch(() => null)
    if (has.died) {
      deaths++
      hub = await next()
    } else if (!(await isWaiting(hub))) return deaths
  }
  throw new Error('work was left after 40 passes')
}

/** As if so many processes had ended a minute ago without a word. */
const silentWorkers = (hub: TestHub, count: number) =>
  hub.pool.query(
    `insert into worker (id, seen_at) select 'killed ' || n, now() - interval '1 minute' from generate_series(1, $1) n`,
    [count],
  )

const isWaiting = async (hub: TestHub): Promise<boolean> =>
  (await hub.pool.query('select 1 from delivery where next_attempt_at is not null')).rowCount! > 0

async function letters(hub: TestHub) {
  const { rows } = await hub.pool.query<{ id: number; record_id: string; code: string }>(
    `select id, record_id, code from dead_letter where state = 'open'`,
  )
  return rows
}

test('a record whose write ends the process is set aside after the third time, all others are delivered, a requeue tries again', async () => {
  const { crm, erp } = systems(30)
  const has = { died: false }
  const hub = await TestHub.open({ crm, erp }, [sync])
  const die = async () => {
    has.died = true
    await breakLeases(hub.pool)
    throw new Error('the process died here')
  }
  erp.onWrite = async (items) => {
    if (items.some(({ values }) => values.email === POISON)) await die()
  }
  await hub.pull('crm:contacts')
  const next = () => TestHub.open({ crm, erp }, [sync], hub.pool)
  expect(await untilOneLives(hub, next, has)).toBe(3)
  expect(erp.list('customers')).toHaveLength(29)
  expect(erp.journal).toHaveLength(29)
  expect(await letters(hub)).toMatchObject([{ record_id: 'c3', code: 'CSW-5015' }])
  // A person mends the cause.
  erp.onWrite = async () => {}
  const [letter] = await letters(hub)
  await createLedger(hub.pool).requeueDeadLetters([letter!.id], 'tester')
  expect(await untilOneLives(await next(), next, has)).toBe(0)
  expect(erp.list('customers')).toHaveLength(30)
  expect(erp.journal).toHaveLength(30)
  expect(await letters(hub)).toEqual([])
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test('a change of a delivered record that ends the process is set aside, and holds up no other sync of its target', async () => {
  const { crm, erp } = systems(6)
  const has = { died: false }
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  for (let i = 0; i < 6; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: 'Changed' })
  await hub.pull('crm:contacts')
  const poison = erp.list('customers').find(({ body }) => body.email === POISON)!.id
  erp.onWrite = async (items) => {
    if (!items.some(({ id }) => id === poison)) return
    has.died = true
    await breakLeases(hub.pool)
    throw new Error('the process died here')
  }
  const next = () => TestHub.open({ crm, erp }, [sync], hub.pool)
  expect(await untilOneLives(hub, next, has)).toBe(3)
  expect(erp.list('customers').filter(({ body }) => body.name === 'Changed')).toHaveLength(5)
  expect(await letters(hub)).toMatchObject([{ record_id: 'c3', code: 'CSW-5015' }])
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test('a record that ends the process before anything is written is found by handling records alone', async () => {
  const { crm, erp } = systems(30)
  const has = { died: false }
  const open = async (database?: TestHub['pool']): Promise<TestHub> => {
    const hub = await TestHub.open({ crm, erp }, [sync], database)
    const { map } = hub.ports.mappings
    hub.ports.mappings.map = async (definition, inputs, signal) => {
      if (!inputs.some(({ body }) => body.toString().includes(POISON))) return map(definition, inputs, signal)
      has.died = true
      await breakLeases(hub.pool)
      throw new Error('the process died here')
    }
    return hub
  }
  const hub = await open()
  await hub.pull('crm:contacts')
  expect(await untilOneLives(hub, () => open(hub.pool), has)).toBe(3)
  expect(erp.journal).toHaveLength(29)
  expect(await letters(hub)).toMatchObject([{ record_id: 'c3', code: 'CSW-5015' }])
})

test('where many workers end anyway, a record is set aside after five deaths only, and a bystander of three not at all', async () => {
  for (const at of ['write', 'map'] as const) {
    const { crm, erp } = systems(12)
    const has = { died: false }
    const ends = new Map([
      [POISON, Number.POSITIVE_INFINITY],
      // Together with the other it is met twice in the batch and in the group of writes, by itself when records are mapped alone.
      ['p5@example.test', at === 'write' ? 1 : 2],
    ])
    const die = async (): Promise<never> => {
      has.died = true
      await breakLeases(hub.pool)
      throw new Error('the process died here')
    }
    const meet = async (emails: string[]): Promise<void> => {
      const met = emails.find((email) => ends.get(email))
      if (!met) return
      ends.set(met, ends.get(met)! - 1)
      await die()
    }
    erp.onWrite = async (items) => (at === 'write' ? meet(items.map(({ values }) => String(values.email))) : undefined)
    const open = async (database?: TestHub['pool']): Promise<TestHub> => {
      const opened = await TestHub.open({ crm, erp }, [sync], database)
      const { map } = opened.ports.mappings
      opened.ports.mappings.map = async (definition, inputs, signal) => {
        const bodies = inputs.map(({ body }) => body.toString())
        if (at === 'map') await meet([...ends.keys()].filter((email) => bodies.some((body) => body.includes(email))))
        return map(definition, inputs, signal)
      }
      return opened
    }
    const hub: TestHub = await open()
    await silentWorkers(hub, 7)
    await hub.pull('crm:contacts')
    await untilOneLives(hub, () => open(hub.pool), has)
    expect(await letters(hub)).toMatchObject([{ record_id: 'c3', code: 'CSW-5015' }])
    expect(erp.journal).toHaveLength(11)
  }
})

test('records that were merely under way when workers were killed are never set aside', async () => {
  const { crm, erp } = systems(16)
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  const next = () => TestHub.open({ crm, erp }, [sync], hub.pool)
  const has = { died: false }
  // Each record ends two processes, as far as the ledger can tell: in its batch, and in its group.
  const seen = new Map<unknown, number>()
  erp.onWrite = async (items) => {
    const fewest = Math.min(...items.map(({ values }) => seen.get(values.email) ?? 0))
    if (fewest >= 2) return
    for (const { values } of items) seen.set(values.email, (seen.get(values.email) ?? 0) + 1)
    has.died = true
    await breakLeases(hub.pool)
    throw new Error('the process was killed here')
  }
  expect(await untilOneLives(hub, next, has)).toBe(3)
  expect(await letters(hub)).toEqual([])
  expect(erp.journal).toHaveLength(16)
})

/** Says when a process has come to wait out its first seconds. */
class Young extends OneAtATime {
  readonly waiting = Promise.withResolvers<void>()
  override settled(signal: AbortSignal): Promise<void> {
    this.waiting.resolve()
    return super.settled(signal)
  }
}

test('workers that are killed in their first seconds, however often, take no innocent record along', async () => {
  for (const at of ['write', 'map'] as const) {
    const { crm, erp } = systems(16)
    const open = async (settleMs: number, database?: TestHub['pool']): Promise<TestHub> => {
      const hub = await TestHub.open({ crm, erp }, [sync], database)
      hub.ports.alone = new Young(settleMs)
      return hub
    }
    const hub = await open(3_600_000)
    await hub.pull('crm:contacts')
    for (let life = 0; life < 6; life++) {
      const current = life ? await open(3_600_000, hub.pool) : hub
      const died = Promise.withResolvers<void>()
      const kill = async (): Promise<never> => {
        died.resolve()
        return new Promise(() => {})
      }
      if (at === 'write') erp.onWrite = kill
      else current.ports.mappings.map = kill
      await hub.skipWaits()
      const end = new AbortController()
      const push = current.push('contacts', 0, end.signal).catch(() => null)
      await Promise.race([died.promise, (current.ports.alone as Young).waiting.promise, push])
      await breakLeases(hub.pool)
      end.abort()
    }
    erp.onWrite = async () => {}
    const old = await open(0, hub.pool)
    expect(await untilOneLives(old, () => open(0, hub.pool), { died: false })).toBe(0)
    expect(await letters(hub)).toEqual([])
    expect(erp.journal).toHaveLength(16)
  }
})

/** Says when a process has come to the pause before what two ended over, and stays there. */
class Breathing extends OneAtATime {
  readonly waiting = Promise.withResolvers<void>()
  override breath(): Promise<void> {
    this.waiting.resolve()
    return new Promise(() => {})
  }
}

test('workers that are killed just before what one more death would set aside take no innocent record along', async () => {
  for (const silent of [0, 7]) {
    const { crm, erp } = systems(16)
    const open = (database?: TestHub['pool']): Promise<TestHub> => TestHub.open({ crm, erp }, [sync], database)
    const hub = await open()
    await silentWorkers(hub, silent)
    await hub.pull('crm:contacts')
    await hub.push('contacts')
    for (let i = 0; i < 16; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Changed ${i}` })
    await hub.pull('crm:contacts')
    const pauses: boolean[] = []
    for (let life = 0; life < 5; life++) {
      const current = life ? await open(hub.pool) : hub
      const alone = new Breathing()
      current.ports.alone = alone
      const died = Promise.withResolvers<boolean>()
      erp.onWrite = () => {
        died.resolve(false)
        return new Promise(() => {})
      }
      await hub.skipWaits()
      const end = new AbortController()
      current.push('contacts', 0, end.signal).catch(() => null)
      pauses.push(await Promise.race([died.promise, alone.waiting.promise.then(() => true)]))
      await breakLeases(hub.pool)
      end.abort()
    }
    // Where many workers end anyway, it is the fifth death.
    expect(pauses).toEqual([false, false, !silent, !silent, true])
    erp.onWrite = async () => {}
    expect(await untilOneLives(await open(hub.pool), () => open(hub.pool), { died: false })).toBe(0)
    expect(await letters(hub)).toEqual([])
    expect(erp.journal).toHaveLength(32)
  }
})

test('a change that was under way and is set aside before it is sent again leaves no write open', async () => {
  const { crm, erp } = systems(16)
  const open = (database?: TestHub['pool']): Promise<TestHub> => TestHub.open({ crm, erp }, [sync], database)
  const hub = await open()
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  for (let i = 0; i < 16; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Changed ${i}` })
  await hub.pull('crm:contacts')
  for (let life = 0; life < 4; life++) {
    const current = life ? await open(hub.pool) : hub
    const died = Promise.withResolvers<void>()
    const kill = (): Promise<never> => {
      died.resolve()
      return new Promise(() => {})
    }
    if (life === 0) erp.onWrite = kill
    else current.ports.mappings.map = kill
    await hub.skipWaits()
    const end = new AbortController()
    current.push('contacts', 0, end.signal).catch(() => null)
    await died.promise
    await breakLeases(hub.pool)
    end.abort()
  }
  erp.onWrite = async () => {}
  expect(await untilOneLives(await open(hub.pool), () => open(hub.pool), { died: false })).toBe(0)
  expect((await letters(hub)).map(({ code }) => code)).toEqual(['CSW-5015'])
  expect((await hub.pool.query('select record_id from intent')).rows).toEqual([])
})

test('a webhook that ends the process becomes a dead letter after the third time, and those behind it are read', async () => {
  const { crm, erp } = systems(0)
  const hub = await TestHub.open({ crm, erp }, [sync])
  const connection = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, stream, event_id, headers, body)
     select $1, 'contacts', 'e' || n, '{}', convert_to(n::text, 'UTF8') from generate_series(1, 5) n`,
    [connection],
  )
  let deaths = 0
  let death = Promise.withResolvers<void>()
  crm.readEvent = async ({ body }) => {
    if (body.toString() === '2') {
      deaths++
      await breakLeases(hub.pool)
      death.resolve()
      // Nothing of this process happens any more.
      await new Promise(() => {})
    }
    const record = { id: `c${body}`, version: null, body: { email: `c${body}@example.test`, name: 'Somebody' } }
    return [{ stream: 'contacts', records: [record], fetch: [] }]
  }
  for (let life = 0; life < 5; life++) {
    const { ports } = await TestHub.open({ crm, erp }, [sync], hub.pool)
    death = Promise.withResolvers()
    await Promise.race([readInbox(ports, connection, new AbortController().signal), death.promise])
  }
  expect(deaths).toBe(3)
  expect(await letters(hub)).toMatchObject([{ code: 'CSW-5015' }])
  const { rows } = await hub.pool.query('select state from inbox order by id')
  expect(rows.map(({ state }) => state)).toEqual(['done', 'dead', 'done', 'done', 'done'])
})

test('a page that ends the process is left alone for a while after the third time', async () => {
  const { crm, erp } = systems(15)
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  crm.onPage = async () => {
    await breakLeases(hub.pool)
    throw new Error('the process died here')
  }
  const outcomes: (string | undefined)[] = []
  for (let life = 0; life < 4; life++) {
    const next = await TestHub.open({ crm, erp }, [sync], hub.pool)
    const result = await next.pull('crm:contacts').catch(() => null)
    outcomes.push(result?.error?.code)
  }
  expect(outcomes[3]).toBe('CSW-5016')
  expect(outcomes.slice(0, 3)).not.toContain('CSW-5016')
  const { rows } = await hub.pool.query<{ waits: boolean; pull_mode: string }>(
    `select next_pull_at > now() as waits, pull_mode from stream where name = 'contacts'`,
  )
  expect(rows).toEqual([{ waits: true, pull_mode: 'incremental' }])
  crm.onPage = async () => {}
  expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'success' })
})
