/**
 * Whatever records come, leave, share their target and lose their worker: in the end the target holds one record for each key that a record
 * of the source wants, and nobody waits for anything. Lanes take turns, so that a seed does the same every time.
 */
import { expect, test } from 'vitest'
import { CausewayError, type JsonObject, JsonText } from '../../src/core/index.ts'
import type { MapOutput } from '../../src/mapping/index.ts'
import { Random } from '../random.ts'
import { TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

type Contact = { emails: string[]; left: boolean }
const ROUNDS = 6
/** In calm: so often a lane comes again until all that waits for another one has had its turn. */
const TURNS = 10
/** The last two found a target that was deleted although a record stood for it. */
const SEEDS = [...Array.from({ length: 10 }, (_, i) => i + 1), 13, 69]

const partOf = (part: string, email: string) => ({
  part,
  values: JsonText.of({ email, name: `owner of ${email}` }),
  references: [],
})
const runOf =
  (multipart: boolean) =>
  (record: JsonObject): MapOutput => {
    const { emails, left } = record as Contact
    if (left) return { status: 'filtered' }
    return { status: 'mapped', parts: emails.map((email) => partOf(multipart ? email : '', email)) }
  }

/** A change of one record. Where a record makes one target its key stays, for what shares a target and then differs is a person's to decide. */
function change(random: Random, crm: MemorySystem, live: Map<string, Contact>, multipart: boolean): string {
  const email = `e${random.between(0, 2)}`
  const id = multipart ? `r${random.between(0, 3)}` : `${email}-r${random.between(0, 2)}`
  if (live.has(id) && random.chance(0.25)) {
    crm.remove('contacts', id)
    live.delete(id)
    return `remove ${id}`
  }
  const some = ['e0', 'e1', 'e2'].filter(() => random.chance(0.4))
  const contact = { emails: multipart ? some : [email], left: random.chance(0.25) }
  crm.put('contacts', id, contact)
  live.set(id, contact)
  return `put ${id} ${JSON.stringify(contact)}`
}

test.each(SEEDS)('seed %i', async (seed) => {
  const random = new Random(seed)
  const [upsert, multipart] = [random.chance(0.5), random.chance(0.5)]
  const [lanes, keeping] = [random.pick([1, 2, 8]), random.pick(['full', 'hash'] as const)]
  // Without a look-up a person has to say what became of a write whose record has left.
  const dies = upsert ? 0 : 0.2
  const crm = new MemorySystem().stream('contacts')
  const abilities = upsert ? { upsert: true, upsertBy: ['email'], lookup: [] } : {}
  const erp = new MemorySystem().stream('customers', abilities)
  const sync = {
    ...{ name: 'to-erp', from: 'crm:contacts', to: 'erp:customers', match: [['email']], lanes, multipart },
    ...{ deletes: 'delete', onLeave: 'delete', deleteLimits: { maxCount: 1_000, maxShare: 1 } },
    run: runOf(multipart),
  } as TestSync
  const hub = await TestHub.open({ crm, erp }, [sync], undefined, { 'crm:contacts': keeping })
  const { ledger } = hub.ports
  const { commitBatch } = ledger
  let isCalm = false
  ledger.commitBatch = async (batch) => {
    if (!isCalm && random.chance(dies)) throw new CausewayError('CSW-6001', { what: 'the worker ends here' })
    return commitBatch(batch)
  }
  const push = async (turns: number) => {
    for (let turn = 0; turn < turns; turn++) {
      for (const lane of random.shuffled([...Array(lanes).keys()])) await hub.push('to-erp', lane).catch(unlessDead)
      await hub.skipWaits()
    }
  }
  const live = new Map<string, Contact>()
  const told: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (let left = random.between(1, 4); left > 0; left--) told.push(change(random, crm, live, multipart))
    await hub.pull('crm:contacts')
    await push(random.pick([1, 4]))
    if (random.chance(0.5)) await hub.pull('erp:customers')
  }
  isCalm = true
  await push(TURNS)
  const wanted = [...live.values()].flatMap(({ emails, left }) => (left ? [] : emails))
  const waiting = await hub.pool.query(
    `select record_id, part, state, error from delivery where state in ('dead', 'pending', 'in_doubt')`,
  )
  const intents = await hub.pool.query('select operation, record_id, part from intent')
  expect(
    { there: erp.list('customers').map(({ body }) => body.email), waiting: waiting.rows, intents: intents.rows },
    JSON.stringify({ upsert, multipart, lanes, keeping, told }, null, 1),
  ).toEqual({ there: expect.arrayContaining([...new Set(wanted)]), waiting: [], intents: [] })
  expect(erp.list('customers')).toHaveLength(new Set(wanted).size)
})

const unlessDead = (error: unknown): void => {
  if (!(error instanceof CausewayError && error.code === 'CSW-6001')) throw error
}
