/** Keep-alive agents of one connection: node's own pools, with our dialler underneath. */
import { type Agent, type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { type Dialler, TLS_RULES } from './dialler.ts'

/** Trust and client certificate of a connection. */
export type TlsIdentity = Pick<TlsOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername'>

/** `close` lets calls under way have their answers; then their sockets close too. */
export type AgentPair = { http: Agent; https: Agent; close(): void }

type Created = (error: Error | null, socket: Duplex) => void
type Target = { host?: string | null | undefined; port?: number | string | null | undefined; lookup?: unknown }

class CheckedHttpAgent extends HttpAgent {
  private readonly dialler: Dialler
  constructor(dialler: Dialler, options: AgentOptions) {
    super(options)
    this.dialler = dialler
  }
  override createConnection(
    options: Parameters<HttpAgent['createConnection']>[0],
    created?: Created,
  ): Duplex | null | undefined {
    return checked(this.dialler, options, 80, created, () => super.createConnection(options, created))
  }
}

class CheckedHttpsAgent extends HttpsAgent {
  private readonly dialler: Dialler
  constructor(dialler: Dialler, options: HttpsAgentOptions) {
    super(options)
    this.dialler = dialler
  }
  override createConnection(
    options: Parameters<HttpsAgent['createConnection']>[0],
    created?: Created,
  ): Duplex | null | undefined {
    return checked(this.dialler, options, 443, created, () => super.createConnection(options, created))
  }
}

function checked(
  dialler: Dialler,
  options: Target,
  usualPort: number,
  created: Created | undefined,
  connect: () => Duplex | null | undefined,
): Duplex | null | undefined {
  const port = Number(options.port) || usualPort
  const refusal = dialler.refusalOf(options.host ?? 'localhost', port)
  if (refusal) {
    // Asynchronously, as a failed connect would come.
    process.nextTick(() => created?.(refusal, undefined as never))
    return undefined
  }
  options.lookup = dialler.lookup(port)
  return connect()
}

/**
 * `maxSockets` bounds the sockets of the connection. An idle socket is closed after 4 s: servers commonly close theirs
 * after 5 s, and a request sent into that moment would end with an unknown outcome. A server's `Keep-Alive: timeout` wins.
 */
export function createAgents(dialler: Dialler, maxSockets: number, tls: TlsIdentity = {}): AgentPair {
  const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, scheduling: 'lifo', timeout: 4_000 } as const
  const http = new CheckedHttpAgent(dialler, pool)
  const https = new CheckedHttpsAgent(dialler, { ...pool, ...tls, ...TLS_RULES })
  return {
    http,
    https,
    close: () => {
      closeIdle(http)
      closeIdle(https)
    },
  }
}

/** Not `destroy`, which cuts the calls under way too: a write would be of unknown outcome, a refresh token that serves once used up. */
function closeIdle(agent: Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
