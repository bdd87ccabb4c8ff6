/** An open connection as the pipeline sees it: the protocol's session behind checks, with webhooks beside it. */
import { CausewayError, nearestName, timed, timedSteps } from '../core/index.ts'
import type {
  ConnectorSession,
  ContentRequest,
  FinishRequest,
  LookupRequest,
  Page,
  ReadRequest,
  StreamAbilities,
  StreamInfo,
  WriteRequest,
} from './contract.ts'
import type { BodyConverter } from './manifest/bodies.ts'
import { resumingContent } from './parts/resuming.ts'
import type { WebhookReader } from './parts/webhook.ts'
import type { ProtocolSession } from './protocols/contract.ts'

type Opened = {
  connection: string
  streams: ReadonlyMap<string, StreamInfo>
  protocol: ProtocolSession
  webhooks: WebhookReader | null
  close(): void
  /** How bodies travel, by stream. */
  bodies: ReadonlyMap<string, BodyConverter>
  /** Streams whose records are read together with those of a stream: its parents. */
  parents(stream: string): string[]
}

/** Refuses what the manifest does not declare (CSW-2002, CSW-2003) before the protocol is asked. */
export class CheckedSession implements ConnectorSession {
  readonly streams: ReadonlyMap<string, StreamInfo>
  private readonly opened: Opened
  private readonly asked = new Map<string, Promise<void>>()

  constructor(opened: Opened) {
    this.opened = opened
    this.streams = opened.streams
  }

  read(request: ReadRequest) {
    this.require(request.stream, 'read', ({ read }) => read)
    return timedSteps('connector', this.reading(request))
  }

  private async *reading(request: ReadRequest): AsyncGenerator<Page> {
    await this.ready(request.stream, request.signal)
    yield* this.opened.protocol.read(request)
  }

  /** Learns, once, which further fields the records of a stream have. */
  private async ready(stream: string, signal: AbortSignal): Promise<void> {
    for (const name of [stream, ...this.opened.parents(stream)]) {
      const asked = this.asked.get(name) ?? this.learn(name, signal)
      this.asked.set(name, asked)
      // Whoever comes next asks again.
      await asked.catch((error: unknown) => {
        this.asked.delete(name)
        throw error
      })
    }
  }

  private async learn(name: string, signal: AbortSignal): Promise<void> {
    const dictionary = await this.opened.protocol.dictionary?.(name, signal)
    if (dictionary) this.opened.bodies.get(name)!.dictionary = dictionary
  }

  async describe({ stream, signal }: { stream: string; signal: AbortSignal }): Promise<StreamInfo> {
    const info = this.stream(stream)
    await this.ready(stream, signal)
    const dictionary = this.opened.bodies.get(stream)?.dictionary
    if (!dictionary) return info
    return {
      ...info,
      readSchema: dictionary.schema(info.readSchema),
      writeSchema: dictionary.schema(info.writeSchema),
    }
  }

  async fetch(request: { stream: string; ids: string[]; signal: AbortSignal }) {
    this.stream(request.stream)
    if (request.ids.length === 0) return []
    return timed('connector', async () => {
      await this.ready(request.stream, request.signal)
      return this.opened.protocol.fetch(request)
    })
  }

  async lookup(request: LookupRequest) {
    this.require(request.stream, `look-up by ${request.field}`, ({ lookup }) => lookup.includes(request.field))
    if (request.values.length === 0) return new Map()
    return timed('connector', async () => {
      await this.ready(request.stream, request.signal)
      return this.opened.protocol.lookup(request)
    })
  }

  async write(request: WriteRequest) {
    this.require(request.stream, request.operation, (abilities) => abilities[request.operation])
    if (request.items.length === 0) return []
    return timed('connector', () => this.writing(request))
  }

  private async writing(request: WriteRequest) {
    await this.ready(request.stream, request.signal)
    const bodies = this.opened.bodies.get(request.stream)
    if (!bodies || bodies.idle) return this.opened.protocol.write(request)
    const items = request.items.map((item) => bodies.write(item))
    const outcomes = await this.opened.protocol.write({ ...request, items })
    return outcomes.map((outcome) =>
      outcome.status === 'written' && outcome.body ? { ...outcome, body: bodies.read(outcome.body) } : outcome,
    )
  }

  async finish(request: FinishRequest) {
    this.require(request.stream, request.operation, (abilities) => abilities[request.operation])
    return timed('connector', async () => {
      await this.ready(request.stream, request.signal)
      return (await this.opened.protocol.finish?.(request)) ?? []
    })
  }

  bulk(stream: string) {
    this.stream(stream)
    return this.opened.protocol.bulk?.(stream) ?? null
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
    for (const name of request.stream === null ? this.streams.keys() : [request.stream])
      await this.ready(name, request.signal)
    return this.webhooks().read(request)
  }

  probe(signal: AbortSignal) {
    return this.opened.protocol.probe(signal)
  }

  subscriber() {
    const subscriber = this.opened.protocol.subscriber?.()
    if (subscriber) return subscriber
    throw new CausewayError('CSW-2003', {
      what: `The connector of ${this.opened.connection} does not say how webhooks are ordered.`,
    })
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
