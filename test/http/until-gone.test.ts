import { expect, test } from 'vitest'
import { startHub, TOKEN } from './hub.ts'

test('work goes on when the request has been read, and ends when the caller hangs up', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const goOn = Promise.withResolvers<void>()
  const hub = await startHub({
    services: {
      compareMapping: async (_name, _request, signal) => {
        begun.resolve(signal)
        await goOn.promise
        return { records: 0, same: 0, changed: 0, outcomes: {}, fields: [], notKept: 0, truncated: false }
      },
    },
  })
  const caller = new AbortController()
  const answer = fetch(`${hub.url}/api/v1/syncs/contacts/compare`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: '{"limit":1}',
    signal: caller.signal,
  })
  const signal = await begun.promise
  // Another request comes and goes meanwhile: everything that belongs to reading the first one is over.
  expect((await hub.get('/api/v1/problems')).status).toBe(200)
  expect(signal.aborted).toBe(false)
  const ended = new Promise((done) => signal.addEventListener('abort', done))
  caller.abort()
  await expect(answer).rejects.toThrow()
  await ended
  goOn.resolve()
  await hub.close()
})
