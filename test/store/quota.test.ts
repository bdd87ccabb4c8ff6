import { expect, onTestFinished, test, vi } from 'vitest'
import { QuotaBook } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

async function books(count: number) {
  const { pool } = await freshDatabase({ max: count + 1 })
  onTestFinished(() => pool.end())
  return { pool, books: Array.from({ length: count }, () => new QuotaBook(pool)) }
}
const plusOne = (keys: string[], states: ReadonlyMap<string, string>) =>
  new Map(keys.map((key) => [key, String(Number(states.get(key) ?? 0) + 1)]))

test('whoever changes what, at once and on top of old knowledge: nothing is lost and no set of keys is torn', async () => {
  const { pool, books: all } = await books(4)
  const wanted = new Map<string, number>()
  const keySets = [['a'], ['b', 'a'], ['c', 'b'], ['a', 'b', 'c']]
  await Promise.all(
    all.flatMap((book, i) =>
      [0, 1].map(async (half) => {
        for (let turn = 0; turn < 25; turn++) {
          const keys = keySets[(i + half + turn) % keySets.length]!
          const seen = await book.update(keys, (states) => {
            const next = plusOne(keys, states)
            return { states: next, result: next }
          })
          expect(seen.size).toBe(keys.length)
          for (const key of keys) wanted.set(key, (wanted.get(key) ?? 0) + 1)
        }
      }),
    ),
  )
  const { rows } = await pool.query<{ key: string; state: string }>('select key, state from quota')
  expect(new Map(rows.map(({ key, state }) => [key, Number(state)]))).toEqual(wanted)
})

test('alone it costs one statement, and after somebody else wrote, the next change is on top of that', async () => {
  const { pool, books: all } = await books(1)
  const [book] = all as [QuotaBook]
  const add = () => book.update(['k'], (states) => ({ states: plusOne(['k'], states), result: states.get('k') ?? '' }))
  await add()
  const query = vi.spyOn(pool, 'query')
  const connect = vi.spyOn(pool, 'connect')
  expect(await add()).toBe('1')
  expect(query).toHaveBeenCalledTimes(1)
  await pool.query("update quota set state = '40' where key = 'k'")
  expect(await add()).toBe('40')
  await pool.query('delete from quota')
  expect(await add()).toBe('')
  expect((await pool.query('select state from quota')).rows).toEqual([{ state: '1' }])
  connect.mockRestore()
})

test('the time is that of Postgres, also after our clock jumped', async () => {
  const { pool, books: all } = await books(1)
  const [book] = all as [QuotaBook]
  const ask = () => book.update(['k'], (_states, now) => ({ states: new Map([['k', String(now)]]), result: now }))
  await ask()
  const honest = performance.now.bind(performance)
  const jumped = vi.spyOn(performance, 'now').mockImplementation(() => honest() + 60_000)
  onTestFinished(() => jumped.mockRestore())
  const given = await ask()
  const { rows } = await pool.query('select (extract(epoch from clock_timestamp()) * 1000)::float8 as now')
  expect(Math.abs(rows[0].now - given)).toBeLessThan(30_000)
})
