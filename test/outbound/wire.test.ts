import { Agent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { expect, onTestFinished, test } from 'vitest'
import { exchangeOnWire, Wire } from '../../src/outbound/wire.ts'
import { errorOf, rawPeer } from './peer.ts'

test('a request that waited for a busy socket counts as possibly sent once it got it', async () => {
  const seen: string[] = []
  const port = await rawPeer((socket) => {
    let requests = 0
    socket.on('data', (data) => {
      seen.push(String(data).split(' ')[1]!)
      if (++requests === 1) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 30)
      else socket.resetAndDestroy()
    })
  })
  const http = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => http.destroy())
  const agents = { http, https: new HttpsAgent(), close: () => {} }
  const send = (path: string, wire: Wire) =>
    exchangeOnWire(
      {
        method: 'POST',
        url: `http://127.0.0.1:${port}${path}`,
        headers: {},
        body: 'x',
        agents,
        signal: new AbortController().signal,
      },
      wire,
    )
  const [first, second] = [new Wire(), new Wire()]
  const both = [send('/1', first).then((head) => head.resume()), errorOf(send('/2', second))]
  expect(second.sent).toBe('no')
  await Promise.all(both)
  expect(seen).toEqual(['/1', '/2'])
  expect([first.sent, second.sent]).toEqual(['yes', 'maybe'])
})
