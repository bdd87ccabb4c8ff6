/** An open connection as the pipeline sees it: the protocol's session behind checks, with webhooks beside it. */
import { CausewayError, nearestName } from '../core/index.ts'
import type {
  ConnectorSession,
  ContentRequest,
  LookupRequest,
  ReadRequest,
  StreamAbilities,
  StreamInfo,
  WriteRequest,
} from './contract.ts'
import { resumingContent } from './parts/resuming.ts'
import type { WebhookReader } from './parts/webhook.ts'
import type { ProtocolSession } from './protocols/contract.ts'

type Opened = {
  connection: string
  streams: ReadonlyMap<string, StreamInfo>
  protocol: ProtocolSession
  webhooks: WebhookReader | null
  close(): void
}

/** Refuses what the manifest does not declare (CSW-2002, CSW-2003) before the protocol is asked. */
export class CheckedSession implements ConnectorSession {
  readonly streams: ReadonlyMap<string, StreamInfo>
  private readonly opened: Opened

  constructor(opened: Opened) {
    this.opened = opened
    this.streams = opened.streams
  }

  read(request: ReadRequest) {
    this.require(request.stream, 'read', ({ read }) => read)
    return this.opened.protocol.read(request)
  }

  async fetch(request: { stream: string; ids: string[]; signal: AbortSignal }) {
    this.stream(request.stream)
    return request.ids.length === 0 ? [] : this.opened.protocol.fetch(request)
  }

  async lookup(request: LookupRequest) {
    this.require(request.stream, `look-up by ${request.field}`, ({ lookup }) => lookup.includes(request.field))
    return request.values.length === 0 ? new Map() : this.opened.protocol.lookup(request)
  }

  async write(request: WriteRequest) {
    this.require(request.stream, request.operation, (abilities) => abilities[request.operation])
    return request.items.length === 0 ? [] : this.opened.protocol.write(request)
  }

  async content(request: ContentRequest) {
    this.require(request.stream, 'content', ({ content }) => content)
    return resumingContent((again) => this.opened.protocol.content({ ...request, ...again }), request)
  }

  verifyWebhook(request: Parameters<ConnectorSession['verifyWebhook']>[0]) {
    if (request.stream !== null) this.stream(request.stream)
    return this.webhooks().verify(request)
  }

  async readEvent(request: Parameters<ConnectorSession['readEvent']>[0]) {
    return this.webhooks().read(request)
  }

  probe(signal: AbortSignal) {
    return this.opened.protocol.probe(signal)
  }

  login() {
    const login = this.opened.protocol.login?.()
    if (login) return login
    throw new CausewayError('CSW-2003', {
      what: `The credentials of ${this.opened.connection} need no login by a person.`,
    })
  }

  async close(): Promise<void> {
    await this.opened.protocol.close()
    this.opened.close()
  }

  private webhooks(): WebhookReader {
    if (this.opened.webhooks) return this.opened.webhooks
    throw new CausewayError('CSW-2003', { what: `The connector of ${this.opened.connection} takes no webhooks.` })
  }

  private require(stream: string, ability: string, has: (abilities: StreamAbilities) => boolean): void {
    if (has(this.stream(stream).abilities)) return
    throw new CausewayError('CSW-2003', {
      what: `The stream ${this.opened.connection}:${stream} does not offer ${ability}.`,
    })
  }

  private stream(name: string): StreamInfo {
    const found = this.streams.get(name)
    if (found) return found
    const near = nearestName(name, this.streams.keys())
    throw new CausewayError('CSW-2002', {
      what: `The connection ${this.opened.connection} has no stream "${name}".`,
      fix: near ? `Did you mean "${near}"?` : `Its streams: ${[...this.streams.keys()].join(', ')}.`,
    })
  }
}
