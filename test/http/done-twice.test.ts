/**
 * A process that dies between a deed and the note of it leaves a request that is carried out once more. That has to be harmless for every
 * action of the API, by what it left or by the id of its request: this is why a key may be given on (decision 46).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../postgres.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addressOf, type Operation, readOperations } from './operations.ts'
import { seedHub } from './rows.ts'
import { type Asked, fill, knowing, validRequests } from './valid-requests.ts'

/** What moves by itself between two answers about the same thing. */
const MOVES = /^(changedAt|endedAt|storedAt|stateSince|state|done|passedOver|left|failed)$/

/** These say that nothing is left to do. */
const NOTHING_LEFT: Record<string, string> = {
  forgetSecret: '{"forgotten":false}',
  replayEvents: '{"replayed":0,"notKept":0}',
  resolveConflicts: '{"decided":0}',
}

let hub: TestHub
let operations: Operation[]
let table: ReturnType<typeof validRequests>
beforeAll(async () => {
  const { pool } = await freshDatabase()
  const bare = await startHub({ pool })
  await bare.close()
  const { runSync: _own, ...services } = knowing(bare.services)
  hub = await startHub({
    pool,
    services: {
      ...services,
      runSync: async (_name, { requestId }) => ({ requestId: requestId ?? crypto.randomUUID() }),
    },
  })
  const ids = await seedHub(pool)
  await fill(hub, ids)
  operations = (await readOperations(hub)).filter(({ takesKeys }) => takesKeys)
  table = validRequests(hub, ids)
})
afterAll(() => hub.close())

/** Another one for each try of the test. */
let round = ''
const keyOf = ({ id }: Operation): string => `${id}-${round}`

async function send(operation: Operation, asked: Asked): Promise<{ status: number; told: string }> {
  const answer = await fetch(hub.url + addressOf(operation, asked), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'idempotency-key': keyOf(operation),
    },
    body: JSON.stringify(asked.body ?? {}),
  })
  const body = (await answer.json()) as object
  expect(answer.headers.get('idempotent-replayed'), operation.id).toBeNull()
  return {
    status: answer.status,
    told: JSON.stringify(body, (name, value: unknown) => (MOVES.test(name) ? undefined : value)),
  }
}

/** The deed is done, and whoever did it is dead before it was noted. */
const forget = (operation: Operation) =>
  hub.pool.query(`update request_key set status = null, body = null, until = '-infinity' where key = $1`, [
    keyOf(operation),
  ])

test('each action that is carried out once more is refused by what it left, or changes nothing more', async () => {
  expect(operations.length).toBeGreaterThan(35)
  round = crypto.randomUUID()
  const counts = { same: 0, refused: 0, nothing: 0 }
  const other: string[] = []
  for (const operation of operations) {
    const entry = table[operation.id]!
    const asked = typeof entry === 'function' ? await entry() : entry
    const first = await send(operation, asked)
    expect([operation.id, first.status < 300]).toEqual([operation.id, true])
    expect((await forget(operation)).rowCount, operation.id).toBe(1)
    const second = await send(operation, asked)
    if (second.status === first.status && second.told === first.told) counts.same++
    else if (second.status === 409 || second.status === 404) counts.refused++
    else if (second.told === NOTHING_LEFT[operation.id]) counts.nothing++
    else other.push(`${operation.id}: ${first.status} ${first.told}, then ${second.status} ${second.told}`)
  }
  expect(other).toEqual([])
  expect(counts.nothing).toBe(Object.keys(NOTHING_LEFT).length)
  expect(counts.refused).toBeGreaterThan(5)
  expect(counts.same).toBeGreaterThan(15)
}, 120_000)
