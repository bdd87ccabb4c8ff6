import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import zlib, { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { client, errorOf, httpPeer, rawPeer } from './peer.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

test('an answer that drips is cut at the total deadline', async () => {
  const port = await rawPeer((socket) => {
    socket.write(`${HEAD}Content-Length: 100000\r\n\r\n`)
    const drip = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(drip))
  })
  // Uncut it would drip for half an hour.
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${port}/`, deadlineMs: 2_000 }))
  expect(error).toMatchObject({ code: 'CSW-3002', sent: 'yes' })
})

test('headers that drip are cut at the total deadline, and a write is then unknown', async () => {
  const port = await rawPeer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nX-')
      const drip = setInterval(() => socket.write('H'), 20)
      socket.on('close', () => clearInterval(drip))
    })
  })
  const url = `http://127.0.0.1:${port}/`
  expect(await errorOf(client().request({ url, deadlineMs: 150 }))).toMatchObject({ code: 'CSW-3002' })
  const write = client().request({ url, method: 'POST', body: '{}', deadlineMs: 150 })
  expect(await errorOf(write)).toMatchObject({ code: 'CSW-3012', sent: 'maybe' })
})

test('a system that accepts and stays silent is left at the deadline', async () => {
  const port = await rawPeer(() => {})
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${port}/`, deadlineMs: 100 }))
  expect(error).toMatchObject({ code: 'CSW-3002', sent: 'maybe', message: expect.stringContaining('100 ms') })
})

test('an aborted signal ends the call; a write under way is unknown, one not sent is not', async () => {
  const port = await rawPeer(() => {})
  const url = `http://127.0.0.1:${port}/`
  const abort = new AbortController()
  const [read, write] = [
    errorOf(client().request({ url, signal: abort.signal })),
    errorOf(client().request({ url, signal: abort.signal, method: 'POST' })),
  ]
  setTimeout(() => abort.abort(), 60)
  expect(await read).toMatchObject({ code: 'CSW-3015' })
  expect(await write).toMatchObject({ code: 'CSW-3012', sent: 'maybe' })
})

test('a right to send that ended while the call waited for its turn keeps it from going out', async () => {
  const bodies: string[] = []
  let mine = true
  const url = await httpPeer(async (request, response) => {
    for await (const chunk of request) bodies.push(String(chunk))
    // Lost in the very moment in which the answer makes room for the next call.
    mine = false
    response.end()
  })
  const outbound = client({ maxConcurrent: 1 })
  const send = (body: string) => outbound.request({ url, method: 'POST', body, maySend: () => mine })
  const [first, second] = await Promise.allSettled([send('first'), send('second')])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'CSW-3015' } })
  expect(bodies).toEqual(['first'])
})

test('a right to send that ends while a socket is dialled or taken from the pool keeps every byte back', async () => {
  const bodies: string[] = []
  const url = await httpPeer(async (request, response) => {
    bodies.push(await text(request))
    response.end()
  })
  const outbound = client({ maxConcurrent: 1 })
  // Yes when the call begins, no when its socket stands ready.
  const oncePermitted = () => {
    let asked = 0
    return () => ++asked === 1
  }
  const send = (body: string, maySend: () => boolean) => outbound.request({ url, method: 'POST', body, maySend })
  expect(await errorOf(send('dialled', oncePermitted()))).toMatchObject({ code: 'CSW-3015' })
  await send('first', () => true)
  expect(await errorOf(send('kept alive', oncePermitted()))).toMatchObject({ code: 'CSW-3015' })
  await send('last', () => true)
  expect(bodies).toEqual(['first', 'last'])
})

test('a signal that is aborted beforehand keeps the request from being sent', async () => {
  let hits = 0
  const url = await httpPeer((_request, response) => response.end(String(++hits)))
  const outbound = client()
  await outbound.request({ url })
  const late = outbound.request({ url, signal: AbortSignal.abort(), method: 'POST', body: '{}' })
  expect(await errorOf(late)).toMatchObject({ code: 'CSW-3015' })
  const stopped = client({ signal: AbortSignal.abort() }).request({ url })
  expect(await errorOf(stopped)).toMatchObject({ code: 'CSW-3015' })
  await outbound.request({ url })
  expect(hits).toBe(2)
})

/** 1 GB of zeros as about 1 MB of gzip, made without holding the 1 GB. */
const bomb = (() => {
  const member = gzipSync(Buffer.alloc(10 * 1024 * 1024))
  return Buffer.concat(Array.from({ length: 100 }, () => member))
})()

test.each(['text', 'buffer', 'stream'] as const)(
  'a 1 GB gzip bomb is refused with bounded memory (%s)',
  async (type) => {
    const url = await httpPeer((_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb))
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 5)
    const call = client()
      .request({ url, responseType: type, maxResponseBytes: 4 * 1024 * 1024 })
      .then((response) => (response.body instanceof Readable ? drain(response.body) : response.bytes))
    const error = await errorOf(call)
    clearInterval(watch)
    expect(error).toMatchObject({ code: 'CSW-3011' })
    // The rest of the process is in this figure too: it tells a gigabyte from a few megabytes, no more.
    expect(peak - before).toBeLessThan(400 * 1024 * 1024)
  },
)

async function drain(body: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return bytes
}

test('an endless answer is refused at the cap, announced or not', async () => {
  const endless = await httpPeer((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      response.once('drain', more)
    }
    more()
  })
  const cap = { maxResponseBytes: 1_000_000 }
  expect(await errorOf(client().request({ url: endless, ...cap }))).toMatchObject({ code: 'CSW-3011' })
  const announced = await rawPeer((socket) => socket.write(`${HEAD}Content-Length: 99999999999\r\n\r\n`))
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${announced}/`, ...cap }))
  expect(error).toMatchObject({ code: 'CSW-3011' })
})

test('headers without end are refused', async () => {
  const port = await rawPeer((socket) => socket.write(`${HEAD}X-Long: ${'x'.repeat(100_000)}\r\n\r\n`))
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${port}/` }))
  expect(error).toMatchObject({ code: 'CSW-3011', message: expect.stringContaining('headers') })
})

test('a large answer below the cap arrives whole, and its bytes are counted after inflation', async () => {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, id) => ({ id, name: `Zoë ${id}` })))
  const encodings = {
    gzip: zlib.gzipSync(text),
    'x-gzip': zlib.gzipSync(text),
    deflate: zlib.deflateSync(text),
    'DEFLATE ': zlib.deflateRawSync(text),
    br: zlib.brotliCompressSync(text),
    identity: Buffer.from(text),
  }
  for (const [encoding, body] of Object.entries(encodings)) {
    const url = await httpPeer((_request, response) => response.setHeader('content-encoding', encoding).end(body))
    const response = await client().request({ url })
    expect([encoding, response.body === text, response.bytes]).toEqual([encoding, true, Buffer.byteLength(text)])
  }
})

test('a truncated gzip body is a cut answer even when the connection ended in order', async () => {
  const whole = gzipSync(JSON.stringify({ id: 1, text: 'x'.repeat(5000) }))
  const port = await rawPeer((socket) => {
    socket.once('data', () => {
      socket.write(`${HEAD}Content-Encoding: gzip\r\nConnection: close\r\n\r\n`)
      socket.end(whole.subarray(0, whole.length - 12))
    })
  })
  const url = `http://127.0.0.1:${port}/`
  expect(await errorOf(client().request({ url }))).toMatchObject({ code: 'CSW-3001' })
  expect(await errorOf(client().request({ url, method: 'POST' }))).toMatchObject({ code: 'CSW-3012' })
  const { body } = await client().request({ url, responseType: 'stream' })
  expect(await errorOf(drain(body))).toMatchObject({ code: 'CSW-3001' })
})

test('a streamed answer frees its slot when it is read, and when its reader stops', async () => {
  const url = await httpPeer((_request, response) => response.end(Buffer.alloc(3_000_000)))
  const outbound = client({ maxConcurrent: 1 })
  const first = await outbound.request({ url, responseType: 'stream' })
  expect(await drain(first.body)).toBe(3_000_000)
  const second = await outbound.request({ url, responseType: 'stream' })
  second.body.destroy()
  expect((await outbound.request({ url, responseType: 'buffer', deadlineMs: 2000 })).bytes).toBe(3_000_000)
})

test('a stream that is cut ends with an error, never as a whole file', async () => {
  const port = await rawPeer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc')
    setTimeout(() => socket.destroy(), 30)
  })
  const { body } = await client().request({ url: `http://127.0.0.1:${port}/`, responseType: 'stream' })
  expect(await errorOf(drain(body))).toMatchObject({ code: 'CSW-3001', sent: 'yes' })
})

test('what HEAD and 304 announce is not counted as sent', async () => {
  const url = await httpPeer((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 200 : 304, { 'content-length': 99_999_999 }).end()
  })
  for (const method of ['HEAD', 'GET']) {
    expect(await client().request({ url, method, maxResponseBytes: 1000 })).toMatchObject({ body: '', bytes: 0 })
  }
})

test('no more calls than allowed are under way at once', async () => {
  let active = 0
  let most = 0
  const url = await httpPeer((_request, response) => {
    most = Math.max(most, ++active)
    setTimeout(() => response.end(String(active--)), 15)
  })
  const outbound = client({ maxConcurrent: 3 })
  await Promise.all(Array.from({ length: 12 }, () => outbound.request({ url })))
  expect(most).toBe(3)
})
