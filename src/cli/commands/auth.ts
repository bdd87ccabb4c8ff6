import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { CausewayError } from '../../core/index.ts'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, time } from '../table.ts'

type Options = { port: string; redirect?: string }
type Caller = { name: string; kind: string; role: string; scopes: string[]; expiresAt: string | null }
type Begun = { url: string; pending: { redirectUri: string } }

const WAIT_MS = 10 * 60_000
const PAGE = '<!doctype html><meta charset="utf-8"><title>Causeway</title><p>Done. You may close this page.</p>'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('login')
    .description('open the page where a person allows a connection, and keep the tokens it gives')
    .argument('<connection>', 'name of the connection')
    .option('--port <number>', 'port of the address the browser comes back to, on this machine', '8765')
    .option('--redirect <url>', 'another address to come back to; its full URL is then asked for')
    .action(async (name: string, options: Options) => {
      const context = makeContext()
      const path = `/api/v1/connections/${encodeURIComponent(name)}/login`
      const json = await withApi(context, async (api) => {
        const finish = (begun: Begun, parameters: Record<string, string>) =>
          api.call('POST', `${path}/finish`, { pending: begun.pending, parameters })
        const begin = async (redirectUri: string): Promise<Begun> =>
          JSON.parse(await api.call('POST', path, { redirectUri })) as Begun
        if (options.redirect === undefined) return viaLoopback(portOf(options.port), begin, finish)
        const begun = await begin(options.redirect)
        return finish(begun, parametersOf(await pasted(begun.url)))
      })
      context.output.result('auth.login', json, () => `${name} is allowed; its tokens are kept sealed.`)
    })

  command
    .command('whoami')
    .description('whom the hub takes this command line for, and what they may do')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/me'))
      context.output.result('auth.whoami', json, () => {
        const { name, kind, role, scopes, expiresAt } = JSON.parse(json) as Caller
        return fields([
          ['name', `${name} (${kind})`],
          ['role', role],
          ['may', scopes.join(' ')],
          ['until', expiresAt && time(expiresAt)],
        ])
      })
    })
}

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw usageError(`--port ${JSON.stringify(text)} is no port.`, 'Give a number from 0 to 65535; 0 takes any free one.')
}

/** Waits on this machine for the browser to come back (RFC 8252, 7.3). Only the address with our state ends the wait. */
async function viaLoopback(
  port: number,
  begin: (redirectUri: string) => Promise<Begun>,
  finish: (begun: Begun, parameters: Record<string, string>) => Promise<string>,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<Record<string, string>>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const known = url.pathname === '/callback' && url.searchParams.has('state')
    response.writeHead(known ? 200 : 404, {
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
    })
    response.end(known ? PAGE : '')
    if (known) resolve(Object.fromEntries(url.searchParams))
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', () => failed(inUse(port))).listen(port, '127.0.0.1', listening)
  })
  const timer = AbortSignal.timeout(WAIT_MS)
  try {
    const begun = await begin(`http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`)
    say(begun.url)
    const late = new Promise<never>((_, reject) => {
      timer.addEventListener('abort', () =>
        reject(new CausewayError('CSW-3003', { what: 'Nobody came back within ten minutes.', fix: 'Begin again.' })),
      )
    })
    return await finish(begun, await Promise.race([promise, late]))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const inUse = (port: number): Error =>
  usageError(
    `Port ${port} of this machine cannot be listened on.`,
    'Give another with --port; the system must know its address.',
  )

/** To stderr: stdout is the result. */
const say = (url: string): void => {
  process.stderr.write(`Open this address and allow the connection:\n\n  ${url}\n\n`)
}

async function pasted(url: string): Promise<string> {
  say(url)
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  // A question to an input that has ended is never answered, and never fails either.
  const ended = new Promise<never>((_, reject) => {
    prompt.once('close', () =>
      reject(
        usageError('No address came on stdin.', 'Run it in a terminal, or pipe in the address the browser came to.'),
      ),
    )
  })
  try {
    return await Promise.race([prompt.question('Then paste the address the browser came to: '), ended])
  } finally {
    prompt.close()
  }
}

function parametersOf(text: string): Record<string, string> {
  const url = URL.parse(text.trim())
  if (url) return Object.fromEntries(url.searchParams)
  throw usageError('That is no address.', 'Copy the whole address from the browser, beginning with http.')
}
