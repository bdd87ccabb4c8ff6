/** Bodies kept for the push: bounded, of the right state, and a pull waits for a push that reads and for no other. */
import { expect, test } from 'vitest'
import { JsonText } from '../../src/core/index.ts'
import { FreshBodies } from '../../src/pipeline/index.ts'

const body = (bytes: number): JsonText => JsonText.of({ text: 'x'.repeat(bytes - 11) })

test('gives a body of exactly the number asked for, and drops the oldest beyond its size', () => {
  const bodies = new FreshBodies(1_000)
  for (let i = 1; i <= 12; i++) bodies.put(7, `r${i}`, i, body(100))
  expect(bodies.get(7, 'r1', 1)).toBeUndefined()
  expect(bodies.get(7, 'r12', 11)).toBeUndefined()
  expect(bodies.get(7, 'r12', 12)?.bytes.length).toBe(100)
  expect(bodies.get(8, 'r12', 12)).toBeUndefined()
})

test('of what was read a quarter stays, for other syncs', () => {
  const bodies = new FreshBodies(1_000)
  for (let i = 1; i <= 8; i++) {
    bodies.put(7, `r${i}`, i, body(100))
    bodies.get(7, `r${i}`, i)
  }
  const held = [1, 2, 3, 4, 5, 6, 7, 8].filter((i) => bodies.get(7, `r${i}`, i))
  expect(held).toEqual([6, 7, 8])
})

const LONG_MS = 60_000

test('nobody reads: a pull does not wait', async () => {
  const bodies = new FreshBodies(1_000)
  for (let i = 1; i <= 10; i++) bodies.put(7, `r${i}`, i, body(100))
  await bodies.room(7, LONG_MS)
})

test('a push reads: the pull waits until half is read', async () => {
  const bodies = new FreshBodies(1_000)
  for (let i = 1; i <= 10; i++) bodies.put(7, `r${i}`, i, body(100))
  bodies.get(7, 'r1', 1)
  let free = false
  const waiting = bodies.room(7, LONG_MS).then(() => (free = true))
  for (let i = 2; i <= 4; i++) bodies.get(7, `r${i}`, i)
  await Promise.resolve()
  expect(free).toBe(false)
  bodies.get(7, 'r5', 5)
  await waiting
  // What was read and what is replaced count no longer.
  for (let i = 1; i <= 5; i++) bodies.put(7, `r${i}`, 20 + i, body(100))
  for (let i = 1; i <= 5; i++) bodies.get(7, `r${i}`, 20 + i)
  await bodies.room(7, LONG_MS)
})

test('a push that stops reading is waited for only so long', async () => {
  const bodies = new FreshBodies(1_000)
  for (let i = 1; i <= 10; i++) bodies.put(7, `r${i}`, i, body(100))
  bodies.get(7, 'r1', 1)
  await bodies.room(7, 5)
})

test('what is read of another stream is no reason to wait', async () => {
  const bodies = new FreshBodies(1_000)
  bodies.put(8, 'other', 1, body(100))
  for (let i = 1; i <= 9; i++) bodies.put(7, `r${i}`, i, body(100))
  bodies.get(8, 'other', 1)
  await bodies.room(7, LONG_MS)
})
