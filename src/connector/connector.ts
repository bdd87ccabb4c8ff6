/** A connector: one manifest, ready to be described and opened. */
import { type Clock, type Finding, type JsonObject, type Place, systemClock } from '../core/index.ts'
import { createOutbound, type OnExchange, type OutboundOptions, paceOf } from '../outbound/index.ts'
import type { ConnectorSession, RecordSchema, StreamAbilities, StreamInfo } from './contract.ts'
import { BodyConverter } from './manifest/bodies.ts'
import type { LoadedStream, Manifest } from './manifest/load.ts'
import { conditionReader, recordReader } from './manifest/record.ts'
import { checkSettings, resolveSettings } from './manifest/settings.ts'
import { settingsSchema } from './manifest/settings-schema.ts'
import type { Limits } from './parts/limits.ts'
import { bucketsOf } from './parts/quota.ts'
import type { TokenStore } from './parts/token-store.ts'
import type { UploadStore } from './parts/upload-store.ts'
import { WebhookReader } from './parts/webhook.ts'
import type { ConnectorLog, StreamSpec } from './protocols/contract.ts'
import { CheckedSession } from './session.ts'

/** What opening a connection needs. Settings come with their secrets resolved. */
export type ConnectionContext = {
  name: string
  settings: JsonObject
  /** Audited exceptions to the address rules: hosts, addresses, networks, each with an optional port. */
  allow?: readonly string[]
  /** Limits of this connection, where they are lower than the manifest's. */
  maxPerSecond?: number
  maxConcurrent?: number
  /** Calls carry a `traceparent`. */
  traceparent?: boolean
  /** Makes the gate of its limits, where it is shared over processes. */
  gate?: NonNullable<OutboundOptions['gate']>
  /** Hears of each address that was not dialled, however often it repeats itself. */
  onRefused?: NonNullable<OutboundOptions['onRefused']>
  /** Sees every call of the connection. */
  onExchange?: OnExchange
  /** Ends every call of the connection when it aborts. */
  signal?: AbortSignal
  tls?: OutboundOptions['tls']
  /** Where tokens got at run time are kept, encrypted and shared by all processes; without it, in memory. */
  tokens?: TokenStore
  /** Where started uploads are kept, so that another process can go on with them; without it, in memory. */
  uploads?: UploadStore
  log?: ConnectorLog
  clock?: Clock
}

/** What `connectors show` prints and the API answers. */
export type ConnectorDescription = {
  name: string
  title: string
  description: string | null
  version: string | null
  documentation: string | null
  category: string | null
  protocol: string
  file: string
  /** JSON Schema of the settings; secrets carry `x-secret`. */
  settings: JsonObject
  webhooks: boolean
  streams: StreamInfo[]
}

export class Connector {
  readonly name: string
  readonly streams: ReadonlyMap<string, StreamInfo>
  private readonly manifest: Manifest

  constructor(manifest: Manifest) {
    this.manifest = manifest
    this.name = manifest.name
    this.streams = new Map([...manifest.streams.values()].map((stream) => [stream.name, infoOf(manifest, stream)]))
  }

  describe(): ConnectorDescription {
    const { name, title, description, version, documentation, category, protocol, settings, webhooks, file } =
      this.manifest
    return {
      name,
      title,
      description: description ?? null,
      version: version ?? null,
      documentation: documentation ?? null,
      category: category ?? null,
      protocol: protocol.name,
      file,
      settings: settingsSchema(settings),
      webhooks: webhooks !== undefined,
      streams: [...this.streams.values()],
    }
  }

  /** Names of the settings that are secrets. */
  get secrets(): string[] {
    return Object.entries(this.manifest.settings).flatMap(([name, { secret }]) => (secret ? [name] : []))
  }

  /** Streams whose webhooks the hub can order by itself. */
  get orderedStreams(): string[] {
    const { subscriptions } = this.manifest.spec as { subscriptions?: { events: Record<string, unknown> } }
    return Object.keys(subscriptions?.events ?? {})
  }

  /**
   * Findings about the settings of a connection: unknown, missing, wrong. `placeOf` names where a setting stands, or (without
   * a name) where the settings begin. References to secrets count as given; their values are checked when it is opened.
   */
  checkSettings(given: JsonObject, placeOf: (setting?: string) => Place): Finding[] {
    return checkSettings(this.manifest.settings, given, placeOf)
  }

  /** Opens a connection. Nothing is sent before the first call. Throws CSW-2005 when a setting is missing or wrong. */
  async open(context: ConnectionContext): Promise<ConnectorSession> {
    const { manifest } = this
    const settings = resolveSettings(manifest.settings, context.settings, context.name)
    const outbound = createOutbound(this.outboundOptions(context, settings))
    const bodies = new Map(
      [...manifest.streams.values()].map(({ name, common }) => [name, new BodyConverter(common.fields)]),
    )
    const streams = new Map(
      [...manifest.streams.values()].map((stream) => [
        stream.name,
        specOf(this, stream, settings, bodies.get(stream.name)!),
      ]),
    )
    const protocol = await manifest.protocol.open({
      connection: context.name,
      connector: this.name,
      spec: manifest.spec as never,
      streams: streams as never,
      settings,
      outbound,
      log: context.log ?? SILENT,
      clock: context.clock ?? systemClock,
      ...(context.tokens ? { tokens: context.tokens } : {}),
      ...(context.uploads ? { uploads: context.uploads } : {}),
    })
    return new CheckedSession({
      connection: context.name,
      streams: new Map(
        [...manifest.streams.values()].map((stream) => [stream.name, infoOf(manifest, stream, settings)]),
      ),
      protocol,
      bodies,
      parents: (stream) => parentsOf(manifest, stream),
      webhooks: manifest.webhooks ? new WebhookReader(manifest.webhooks, streams, settings) : null,
      close: () => outbound.close(),
    })
  }

  private outboundOptions(context: ConnectionContext, settings: JsonObject): OutboundOptions {
    const { limits } = this.manifest.spec as { limits?: Limits }
    const pace = lowest(limits?.per_second, context.maxPerSecond)
    const maxConcurrent = lowest(limits?.concurrent, context.maxConcurrent)
    return {
      connection: context.name,
      secrets: this.secrets.flatMap((name) => (typeof settings[name] === 'string' ? [settings[name] as string] : [])),
      ...(context.allow ? { allow: context.allow } : {}),
      ...(context.gate ? { gate: context.gate } : {}),
      ...(context.onRefused ? { onRefused: context.onRefused } : {}),
      ...(context.onExchange ? { onExchange: context.onExchange } : {}),
      ...(context.signal ? { signal: context.signal } : {}),
      ...(context.tls ? { tls: context.tls } : {}),
      ...(context.traceparent ? { traceparent: true } : {}),
      ...(context.clock ? { clock: context.clock } : {}),
      ...(limits ? { deadlineMs: limits.timeout_seconds * 1000 } : {}),
      buckets: [...(pace === undefined ? [] : [paceOf(pace)]), ...bucketsOf(limits, settings)],
      ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    }
  }
}

/** The stricter of what the manifest and the connection allow. */
function lowest(...limits: (number | undefined)[]): number | undefined {
  const given = limits.filter((limit) => limit !== undefined)
  return given.length ? Math.min(...given) : undefined
}

const SILENT: ConnectorLog = { debug: () => {}, info: () => {}, warn: () => {} }

/** What a log of changes forgot before it was asked, only a whole read can tell. */
const readsLog = (stream: unknown): boolean => (stream as { read?: { changes?: object } }).read?.changes !== undefined

function infoOf(manifest: Manifest, { name, common, spec: own }: LoadedStream, settings?: JsonObject): StreamInfo {
  const { protocol, spec, webhooks } = manifest
  const abilities = protocol.abilities(own as never, spec as never, settings)
  const deletions: StreamAbilities['deletions'] =
    abilities.read && common.deleted && !readsLog(own) ? 'tombstones' : abilities.deletions
  const { readSchema, writeSchema } = schemasOf(common)
  return {
    name,
    title: common.title,
    ...(common.description === undefined ? {} : { description: common.description }),
    abilities: { ...abilities, deletions, webhook: webhooks !== undefined },
    ...(readSchema ? { readSchema } : {}),
    ...(writeSchema ? { writeSchema } : {}),
  }
}

/** The streams whose records a stream is read by, nearest first. */
function parentsOf({ streams }: Manifest, name: string): string[] {
  const spec = streams.get(name)?.spec as { read?: { for_each?: { kind?: string; stream?: string } } } | undefined
  const each = spec?.read?.for_each
  return each?.kind === 'parent' && each.stream !== undefined
    ? [each.stream, ...parentsOf({ streams } as Manifest, each.stream)]
    : []
}

function specOf(
  connector: Connector,
  { name, common, spec }: LoadedStream,
  settings: JsonObject,
  bodies: BodyConverter,
): StreamSpec<unknown> {
  const { key, version, deleted, aliases, merged_into: mergedInto, moved_by: movedBy, condition, unordered } = common
  const stream = `${connector.name}:${name}`
  const schemas = schemasOf(common)
  return {
    name,
    spec,
    ...schemas,
    typeCells: (row) => bodies.typeCells(row, schemas.readSchema),
    toRecord: recordReader(
      {
        ...{ stream, key, version, deleted, aliases, mergedInto, movedBy, condition, unordered },
        convert: (body) => bodies.read(body),
      },
      settings,
    ),
    conditionOf: conditionReader(condition, settings),
  }
}

/** What may be written is what is read, unless the manifest says otherwise. */
function schemasOf({ schema, write_schema }: LoadedStream['common']): {
  readSchema?: RecordSchema
  writeSchema?: RecordSchema
} {
  const writable = write_schema ?? schema
  return {
    ...(schema === undefined ? {} : { readSchema: schema as RecordSchema }),
    ...(writable === undefined ? {} : { writeSchema: writable as RecordSchema }),
  }
}
