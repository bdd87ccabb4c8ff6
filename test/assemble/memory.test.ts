import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

/** Fills the old generation, lets go of it, and reports when that is gone from the heap. Nothing else in it ever collects. */
const PROGRAM = `
import { boundHeapGrowth, giveBackAtRest } from ${JSON.stringify(new URL('../../src/assemble/memory.ts', import.meta.url).href)}
const heap = () => process.memoryUsage().heapUsed
boundHeapGrowth()
const stop = giveBackAtRest(20)
let kept = Array.from({ length: 400_000 }, (_, i) => ({ i, name: 'record ' + i }))
const full = heap()
kept = null
const timer = setInterval(() => {
  if (heap() > full / 2) return
  clearInterval(timer)
  stop()
  console.log('given back')
}, 20)
`

test('a process at rest gives back what its work has left', { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', PROGRAM])
  const ended = once(child, 'exit')
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(complaint).toBe('')
  expect(output).toBe('given back\n')
  expect(await ended).toEqual([0, null])
})
