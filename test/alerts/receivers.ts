/** Receivers of alerts on real sockets. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'

export type Taken = { path: string; headers: Record<string, string>; body: string }

/** Takes posts and answers as `answer` says: a status, or null for never. */
export async function httpReceiver(answer: (taken: Taken) => number | null = () => 204) {
  const taken: Taken[] = []
  const waiting: (() => void)[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const one = { path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() }
    taken.push(one)
    const status = answer(one)
    if (status !== null) response.writeHead(status).end()
    for (const wake of waiting.splice(0)) wake()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    /** Until one more has come. */
    next: () => new Promise<void>((resolve) => waiting.push(resolve)),
  }
}

/** Takes mail; `login` says who may. */
export async function mailReceiver(options: SMTPServerOptions & { login?: { user: string; password: string } } = {}) {
  const { login, ...more } = options
  const mails: { from: string; to: string[]; text: string }[] = []
  const said: string[] = []
  const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 100,
    authOptional: !login,
    ...more,
    onAuth: ({ username, password }, _session, done) => {
      said.push('AUTH')
      if (username === login?.user && password === login?.password) done(null, { user: username })
      else done(new Error('no'))
    },
    onMailFrom: (_address, _session, done) => {
      said.push('MAIL')
      done()
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails, said }
}
