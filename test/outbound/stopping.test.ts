/** A process that is told to stop, seen from the calls it has under way. */
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ProcessStops } from '../../src/core/index.ts'
import { client, errorOf, httpPeer } from './peer.ts'

/** A system whose answer to `/slow` the test gives. */
async function slowSystem() {
  const arrived = Promise.withResolvers<ServerResponse>()
  const paths: string[] = []
  const url = await httpPeer((request, response) => {
    paths.push(request.url!)
    if (request.url === '/slow') arrived.resolve(response)
    else response.end()
  })
  const stopping = new AbortController()
  const write = (path: string) => ({
    ...{ method: 'POST', url: `${url}${path}`, body: 'x', signal: AbortSignal.any([stopping.signal]) },
    maySend: () => true,
  })
  return { arrived: arrived.promise, paths, stopping, write }
}

test('a write under way gets its answer, and no other one begins', async () => {
  const { arrived, paths, stopping, write } = await slowSystem()
  const outbound = client({ maxConcurrent: 1 })
  const first = outbound.request(write('/slow'))
  first.catch(() => undefined)
  const response = await arrived
  // Waits for its turn when the process is told to stop.
  const waiting = errorOf(outbound.request(write('/waiting')))
  stopping.abort(new ProcessStops(10_000))
  const later = errorOf(outbound.request(write('/later')))
  expect(await waiting).toMatchObject({ code: 'CSW-3015' })
  expect(await later).toMatchObject({ code: 'CSW-3015' })
  response.end('created')
  expect((await first).body).toBe('created')
  expect(paths).toEqual(['/slow'])
})

test('an answer that does not come in time is not waited for: the outcome is unknown', async () => {
  const { arrived, stopping, write } = await slowSystem()
  const sent = errorOf(client().request(write('/slow')))
  await arrived
  const began = performance.now()
  stopping.abort(new ProcessStops(200))
  expect(await sent).toMatchObject({ code: 'CSW-3012' })
  expect(performance.now() - began).toBeGreaterThan(190)
})

test.each([
  ['a read', (stop: AbortController) => stop.abort(new ProcessStops(10_000)), false],
  ['a write whose right ends', (stop: AbortController) => stop.abort(new Error('taken over')), true],
])('%s is cut at once', async (_what, abort, writes) => {
  const { arrived, stopping, write } = await slowSystem()
  const { maySend, ...read } = write('/slow')
  const sent = errorOf(client().request(writes ? { ...read, maySend } : { ...read, method: 'GET', body: null }))
  await arrived
  const began = performance.now()
  abort(stopping)
  await sent
  expect(performance.now() - began).toBeLessThan(5_000)
})
