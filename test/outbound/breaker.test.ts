import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Breaker, CLOSED, FAILURES_TO_OPEN, noteOutcomes, pass } from '../../src/outbound/breaker.ts'
import { createOutbound, SharedQuotaGate } from '../../src/outbound/index.ts'
import { QuotaBook } from '../../src/store/index.ts'
import { showConnection } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'
import { errorOf, httpPeer } from './peer.ts'

test('a system that fails is left alone, tried by one call of one process, and used again when that call succeeds', {
  timeout: 120_000,
}, async () => {
  const { pool } = await freshDatabase()
  let broken = true
  let open = 0
  let mostOpen = 0
  const arrivals: number[] = []
  const url = await httpPeer((_request, response) => {
    arrivals.push(performance.now())
    mostOpen = Math.max(mostOpen, ++open)
    response.on('close', () => open--)
    setTimeout(() => (broken ? response.writeHead(502).end() : response.end('ok')), 30)
  })
  const make = () =>
    createOutbound({
      connection: 'target',
      allow: ['127.0.0.1'],
      maxConcurrent: 8,
      gate: (quota) => new SharedQuotaGate(quota, new QuotaBook(pool)),
    })
  const [one, other] = [make(), make()]
  const breakerNow = async (): Promise<Breaker> => {
    const { rows } = await pool.query<{ state: string }>("select state from quota where key = 'c:target'")
    return (JSON.parse(rows[0]!.state) as { breaker: Breaker }).breaker
  }
  const restUntil = (ms: number) =>
    pool.query(
      `update quota set state = jsonb_set(state::jsonb, '{breaker,until}', to_jsonb($1::double precision))::text where key = 'c:target'`,
      [ms],
    )
  for (let i = 0; i < FAILURES_TO_OPEN; i++) await one.request({ url })
  // Longer than any machine is slow.
  await restUntil(Date.now() + 3_600_000)
  const before = arrivals.length
  // Nothing is sent any more, by nobody, and whoever asks is told how long.
  const refused = [errorOf(one.request({ url })), errorOf(other.request({ url, maxWaitMs: 10 }))]
  for (const error of await Promise.all(refused)) expect(error).toMatchObject({ code: 'CSW-3022' })
  expect(arrivals.length).toBe(before)
  expect(await breakerNow()).toMatchObject({ opened: 1, failures: FAILURES_TO_OPEN })
  await pool.query("insert into connection (name, connector) values ('target', 'x')")
  expect(await showConnection(pool, 'target')).toMatchObject({ breaker: 'open', breakerReason: 'it answered 502' })
  // Time passes; the system is still down: of many calls that want to go, one goes.
  const again = [make(), make()]
  await restUntil(0)
  mostOpen = 0
  const tries = again
    .flatMap((client) => [client, client, client])
    .map((client) => errorOf(client.request({ url, maxWaitMs: 50 })).catch(() => null))
  await Promise.all(tries)
  // One call per try; a slow machine may see the next rest end too.
  expect(arrivals.length).toBe(before + (await breakerNow()).opened - 1)
  expect(arrivals.length).toBeGreaterThan(before)
  expect(mostOpen).toBe(1)
  broken = false
  await restUntil(0)
  const answers = await Promise.all(
    [make(), make()].flatMap((client) => [client.request({ url }), client.request({ url })]),
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(await breakerNow()).toMatchObject({ opened: 0, failures: 0 })
})

test('whatever processes see, a half-open breaker lets one of them try at a time, and a success closes it', () => {
  const step = fc.record({
    holder: fc.constantFrom('a', 'b', 'c'),
    passMs: fc.integer({ min: 0, max: 60_000 }),
    succeeded: fc.boolean(),
    failures: fc.integer({ min: 0, max: 7 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 100 }), (steps) => {
      let breaker = CLOSED
      let now = 1_000
      for (const { holder, passMs, succeeded, failures } of steps) {
        now += passMs
        breaker = noteOutcomes(breaker, { succeeded, failures, reason: 'it answered 502' }, holder, now)
        if (succeeded && failures === 0) expect(breaker.opened).toBe(0)
        const before = breaker
        const result = pass(breaker, holder, now)
        breaker = result.breaker
        if (before.opened > 0 && now < before.until) expect(result.waitMs).toBeGreaterThan(0)
        if (result.one) {
          expect(before.probe === null || before.probe.holder === holder || now >= before.probe.until).toBe(true)
          // Nobody else gets through while it tries.
          const others = ['a', 'b', 'c'].filter((name) => name !== holder)
          for (const name of others) expect(pass(breaker, name, now + 1).waitMs).toBeGreaterThan(0)
        }
      }
    }),
  )
})
