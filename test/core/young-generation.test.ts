import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

/** Keeps alive what it makes for a while, as loading and work do, and tells how large the young generation was at most. */
const program = (isBounded: boolean): string => `
import { getHeapSpaceStatistics } from 'node:v8'
import { loadingSmall } from ${JSON.stringify(new URL('../../src/core/young-generation.ts', import.meta.url).href)}
let most = 0
let kept = []
async function make(turns) {
  for (let turn = 0; turn < turns; turn++) {
    kept.push(Array.from({ length: 4_000 }, (_, i) => ({ i, name: 'record ' + i })))
    if (kept.length > 40) kept.shift()
    most = Math.max(most, getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size >> 20)
    await new Promise((done) => setTimeout(done, 1))
  }
}
await ${isBounded ? 'loadingSmall(() => make(100))' : 'make(100)'}
const loading = most
await make(400)
console.log(JSON.stringify({ loading, working: most }))
`

async function sizesOf(isBounded: boolean): Promise<{ loading: number; working: number }> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program(isBounded)])
  const ended = once(child, 'exit')
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(complaint).toBe('')
  expect(await ended).toEqual([0, null])
  return JSON.parse(output)
}

test('the young generation stays small while modules are loaded, and below 32 MB afterwards', async () => {
  const [free, bounded] = [await sizesOf(false), await sizesOf(true)]
  // Else the rest says nothing.
  expect(free.working).toBeGreaterThan(32)
  expect(bounded.loading).toBeLessThan(free.loading)
  expect(bounded.working).toBeLessThanOrEqual(32)
}, 120_000)
