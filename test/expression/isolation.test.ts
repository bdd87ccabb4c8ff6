/** Sandbox processes keep a network of their own when one of them dies early, and the loss of it is told. */
import { afterEach, expect, test } from 'vitest'
import { isolationNow, Sandbox } from '../../src/expression/index.ts'
import { giveUpIsolation } from '../../src/expression/sandbox/isolation.ts'

const open: Sandbox[] = []
afterEach(() => {
  for (const sandbox of open.splice(0)) sandbox.close()
})
const start = (path: string, onSharedNetwork?: (reason: string) => void): Sandbox => {
  const entry = new URL(`../../src/${path}`, import.meta.url)
  const sandbox = new Sandbox({ entry, timeLimitMs: 60_000, ...(onSharedNetwork ? { onSharedNetwork } : {}) })
  open.push(sandbox)
  return sandbox
}
const nothing = { digest: 'none', program: null }
const item = { head: null, texts: [] }
/** Processes become ready and end over a program that is none: whatever the answer is, they were started, and more than once. */
const answer = (told?: (reason: string) => void) => start('mapping/sandbox-entry.ts', told).run(nothing, [item])
/** A file that ends without having served anything. */
const dieEarly = () => start('expression/sandbox/frames.ts').run(nothing, [item])

test('a process that ends before it is ready does not take the network of their own from all others', async (context) => {
  await answer()
  const before = isolationNow()
  if (before.network === 'shared') return context.skip(`no network namespaces here: ${before.reason}`)
  await expect(dieEarly()).rejects.toMatchObject({ code: 'CSW-4006' })
  expect(isolationNow()).toEqual(before)
})

test('where namespaces are refused the processes work without, and that is told once', async () => {
  expect(giveUpIsolation('exit code 1 unshare: unshare failed: Operation not permitted')).toBe(true)
  const told: string[] = []
  await answer((reason) => told.push(reason))
  expect(told).toEqual(['exit code 1 unshare: unshare failed: Operation not permitted'])
})
