/** A client that is closed, because its connection has other settings now or the hub ends: what it sent is not taken back. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { client, httpPeer } from './peer.ts'

test('a write under way when its client is closed gets its answer, and no socket stays behind', async () => {
  const arrived = Promise.withResolvers<ServerResponse>()
  const sockets = new Set<Socket>()
  const url = await httpPeer((request, response) => {
    sockets.add(request.socket.once('close', () => sockets.delete(request.socket)))
    if (request.url === '/slow') arrived.resolve(response)
    else response.end('done')
  })
  const outbound = client()
  await outbound.request({ url: `${url}/idle` })
  const write = outbound.request({ method: 'POST', url: `${url}/slow`, body: 'x' })
  write.catch(() => undefined)
  const response = await arrived.promise
  await outbound.request({ url: `${url}/idle` })
  expect(sockets.size).toBe(2)

  outbound.close()
  await expect.poll(() => sockets.size).toBe(1)
  response.end('created')
  expect((await write).body).toBe('created')
  await expect.poll(() => sockets.size).toBe(0)
})
