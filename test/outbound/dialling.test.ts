import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { createDialler, type ResolveName, sentOf } from '../../src/outbound/index.ts'
import { certificate, client, errorOf, httpPeer, httpsPeer, rawPeer } from './peer.ts'

const SPELLINGS = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '0', '0.0.0.0'],
  ...[
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:0:0:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
  ],
  ...['localhost', 'LOCALHOST', '127.0.0.1.', '１２７.0.0.1', '127。0。0。1'],
  ...[
    '10.0.0.1',
    '192.168.0.1',
    '172.16.5.4',
    '169.254.169.254',
    '0xa9fea9fe',
    '[fd00:ec2::254]',
    '224.0.0.1',
    '100.64.0.1',
  ],
  // Loopback, private networks and the metadata service of clouds as one number, in octal, in hexadecimal, with parts left out.
  ...['127.0.1', '127.0x1', '0x7f.0.0.1', '0177.1', '0x7F.0x0.0x0.0x1', '127.255.255.254', '0.1.2.3', '00000177.0.0.1'],
  ...['10.1', '167772161', '0xa000001', '012.0.0.1', '192.168.1', '3232235521', '0xc0a80001', '0300.0250.0.1'],
  ...['172.31.255.255', '2886729729', '2852039166', '0251.0376.0251.0376', '169.254.0.1', '100.127.255.255'],
  ...['198.18.0.1', '255.255.255.255', '240.0.0.1', '239.255.255.250'],
  ...['[fe80::1]', '[fc00::1]', '[ff02::1]', '[::ffff:10.0.0.1]', '[::ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]'],
  ...['[2002:a00:1::]', '[::FFFF:7F00:0001]', '[0000:0000:0000:0000:0000:0000:0000:0001]', 'LocalHost', '１０.0.0.1'],
]

test('sixty spellings of forbidden addresses and more are tried', () => {
  expect(new Set(SPELLINGS).size).toBeGreaterThanOrEqual(60)
})

test.each(SPELLINGS)('http://%s is not dialled without an allow entry', async (host) => {
  let connections = 0
  const port = await rawPeer(() => connections++)
  const error = await errorOf(client({ allow: [] }).request({ url: `http://${host}:${port}/` }))
  expect(error).toMatchObject({ code: 'CSW-3010' })
  expect(sentOf(error)).toBe('no')
  expect(connections).toBe(0)
})

test.each([
  'ftp://127.0.0.1/',
  'file:///etc/passwd',
  'data:text/plain,x',
  'unix:/run/x.sock',
  '//host/path',
  'no url',
  '',
])('%j is not a way out', async (url) => {
  expect(await errorOf(client().request({ url }))).toMatchObject({ code: 'CSW-3010' })
})

test('credentials in a URL are refused and not repeated in the message', async () => {
  const error = await errorOf(client().request({ url: 'https://bob:hunter22@crm.test/' }))
  expect(error).toMatchObject({ code: 'CSW-3010' })
  expect(JSON.stringify(error)).not.toMatch(/hunter22|bob/)
})

test('a name that turns to a private address between two look-ups gains nothing', async () => {
  let hits = 0
  const url = await httpPeer((_request, response) => response.end(String(++hits)))
  const { port } = new URL(url)
  const answers = ['93.184.216.34', '127.0.0.1']
  const resolve: ResolveName = (_host, _options, done) => done(null, [{ address: answers.shift()!, family: 4 }])
  const dialler = createDialler('test', { resolve })
  expect(await dialler.resolveChecked('rebind.test', Number(port))).toMatchObject([{ address: '93.184.216.34' }])
  await expect(dialler.dial('rebind.test', Number(port))).rejects.toMatchObject({ code: 'CSW-3010' })
  expect(hits).toBe(0)
})

test('of a name with public and private addresses only the public ones are used', async () => {
  const resolve: ResolveName = (_host, _options, done) =>
    done(null, [
      { address: '10.0.0.1', family: 4 },
      { address: '93.184.216.34', family: 4 },
    ])
  const dialler = createDialler('test', { resolve })
  expect(await dialler.resolveChecked('mixed.test', 80)).toEqual([{ address: '93.184.216.34', family: 4 }])
})

test('the address is checked again for every new socket of a client', async () => {
  const url = await httpPeer((_request, response) => response.setHeader('connection', 'close').end('ok'))
  const { port } = new URL(url)
  const answers = ['127.0.0.1', '127.0.0.2']
  const resolve: ResolveName = (_host, _options, done) => done(null, [{ address: answers.shift()!, family: 4 }])
  const outbound = client({ resolve })
  expect((await outbound.request({ url: `http://crm.test:${port}/` })).body).toBe('ok')
  expect(await errorOf(outbound.request({ url: `http://crm.test:${port}/` }))).toMatchObject({ code: 'CSW-3010' })
})

test('sockets are kept alive and reused', async () => {
  const ports = new Set<number>()
  const url = await httpPeer((request, response) => {
    ports.add(request.socket.remotePort!)
    response.end('ok')
  })
  const outbound = client()
  for (let i = 0; i < 5; i++) await outbound.request({ url })
  expect(ports.size).toBe(1)
})

test('a proxy in the environment is not used', async () => {
  let proxied = 0
  const proxy = await httpPeer((_request, response) => {
    proxied++
    response.end('proxy')
  })
  const url = await httpPeer((_request, response) => response.end('direct'))
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, proxy)
  for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, '')
  try {
    expect((await client().request({ url })).body).toBe('direct')
  } finally {
    vi.unstubAllEnvs()
  }
  expect(proxied).toBe(0)
})

test('a certificate is verified; a private authority is trusted by name', async () => {
  const url = await httpsPeer((_request, response) => response.end('secure'))
  const error = await errorOf(client().request({ url, method: 'POST' }))
  expect(error).toMatchObject({ code: 'CSW-3018', sent: 'no' })
  const trusting = client({ tls: { ca: certificate } })
  expect((await trusting.request({ url })).body).toBe('secure')
  const port = Number(new URL(url).port)
  const socket = await trusting.dialler.dial('localhost', port, { tls: true })
  expect(socket.destroy()).toMatchObject({ authorized: true })
  await expect(client().dialler.dial('localhost', port, { tls: true })).rejects.toMatchObject({ code: 'CSW-3018' })
})

test('a certificate for another host is not accepted', async () => {
  const url = await httpsPeer((_request, response) => response.end('secure'))
  const resolve: ResolveName = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
  const other = url.replace('localhost', 'crm.test')
  const error = await errorOf(client({ tls: { ca: certificate }, resolve }).request({ url: other }))
  expect(error).toMatchObject({ code: 'CSW-3018', message: expect.stringContaining('ALTNAME') })
})

test('dial gives sockets to protocols that are not HTTP, under the same rules', async () => {
  const port = await rawPeer((socket) => socket.end('hello'))
  const dialler = createDialler('test', { allow: ['127.0.0.1'] })
  const socket = await dialler.dial('localhost', port)
  const [greeting] = await socket.toArray()
  expect(String(greeting)).toBe('hello')
  const strict = createDialler('test')
  await expect(strict.dial('2130706433', port)).rejects.toMatchObject({ code: 'CSW-3010' })
  await expect(strict.dial('fe80::1%lo', port)).rejects.toMatchObject({ code: 'CSW-3010' })
})

test('a standing socket goes on in TLS under the same rules', async () => {
  const port = Number(new URL(await httpsPeer((_request, response) => response.end())).port)
  const secured = async (outbound: ReturnType<typeof client>) => {
    const socket = outbound.dialler.secure(await outbound.dialler.dial('localhost', port), 'localhost')
    await once(socket, 'secureConnect')
    socket.destroy()
    return socket.authorized
  }
  expect(await secured(client({ tls: { ca: certificate } }))).toBe(true)
  expect(await errorOf(secured(client()))).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
})

test('a TLS dial that is never answered ends at its deadline', async () => {
  const port = await rawPeer(() => {})
  const dialler = createDialler('test', { allow: ['127.0.0.1'] })
  const error = await errorOf(dialler.dial('127.0.0.1', port, { tls: true, deadlineMs: 100 }))
  expect(error).toMatchObject({ code: 'CSW-3001' })
})
