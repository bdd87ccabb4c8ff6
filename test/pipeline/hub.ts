import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { onTestFinished } from 'vitest'
import { pathsReadOf } from '../../src/assemble/model.ts'
import type { ConnectorSession } from '../../src/connector/index.ts'
import { digest, type Json, type JsonObject, JsonText, parseExact, systemClock } from '../../src/core/index.ts'
import {
  DELETE_LIMITS,
  type MapInput,
  type MapOutput,
  type MappingRunner,
  type Reference,
  type SyncDefinition,
} from '../../src/mapping/index.ts'
import {
  FreshBodies,
  type HubModel,
  LocalWakes,
  OneAtATime,
  type Ports,
  pullStream,
  pushLane,
} from '../../src/pipeline/index.ts'
import { createLedger, holdLease, type Keeping, type StreamRow, type SyncRow } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

type MapFunction = (record: JsonObject, joins: Record<string, Json>) => MapOutput

/** The output of a mapping that makes one object. */
export const one = (values: JsonObject, references: Reference[] = []): MapOutput => ({
  status: 'mapped',
  parts: [{ part: '', values: JsonText.of(values), references }],
})

/** A sync whose mapping is a function: the pipeline is what is tested here; real mappings run in the end-to-end tests. */
export type TestSync = Partial<Omit<SyncDefinition, 'from' | 'to'>> & {
  name: string
  from: string
  to: string
  run: MapFunction
  keys?: (record: JsonObject) => Record<string, string[]>
}

/** The pipeline over a real ledger, with wake-ups collected instead of queued, so that tests say when work is done. */
export class TestHub {
  readonly ports: Ports
  readonly pool: pg.Pool
  readonly woken = new Set<string>()
  /** Stands for the credentials of connections. */
  readonly marks: Record<string, string> = {}
  readonly #syncs: TestSync[]

  private constructor(pool: pg.Pool, systems: Record<string, ConnectorSession>, syncs: TestSync[], model: HubModel) {
    this.pool = pool
    this.#syncs = syncs
    const woken = this.woken
    const holder = `test/${randomUUID()}`
    this.ports = {
      ledger: createLedger(pool),
      holdLease: (name) => holdLease(pool, name, { ttlMs: 30_000, holder }),
      queue: {
        wake: async (kind, id) => void woken.add(`${kind} ${id}`),
        wakeMany: async (kind, ids) => {
          for (const id of ids) woken.add(`${kind} ${id}`)
        },
      },
      session: async (name) => systems[name]!,
      credentials: {
        markOf: async (name) => this.marks[name] ?? 'first',
        isOutdated: async () => false,
        forget: async () => {},
      },
      erasures: {
        isErased: () => false,
        refresh: async () => {},
        hash: (field, value) => digest(`${field} ${value}`),
        hashes: (field, value) => [digest(`${field} ${value}`)],
      },
      mappings: this.#runner(),
      model: () => model,
      bodies: new FreshBodies(),
      wakes: new LocalWakes(),
      alone: new OneAtATime(),
      clock: systemClock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    }
  }

  /** `keep`: how streams are kept, by address; all in full without it. */
  static async open(
    systems: Record<string, ConnectorSession>,
    syncs: TestSync[],
    database?: pg.Pool,
    keep: Record<string, Keeping> = {},
  ): Promise<TestHub> {
    const pool = database ?? (await openDatabase())
    const definitions = syncs.map(toDefinition)
    const addresses = definitions.flatMap((sync) => [sync.from, sync.to, ...sync.joins.map((join) => join.from)])
    const names = [...new Set(addresses.map(({ connection, stream }) => `${connection}:${stream}`))]
    const registry = await createLedger(pool).registerHub({
      connections: Object.keys(systems).map((name) => ({ name, connector: 'memory', maxPerSecond: null })),
      streams: names.map((name) => {
        const keyFields = definitions.flatMap((sync) => [
          ...(address(sync.to) === name ? sync.match.flat() : []),
          ...sync.joins.flatMap((join) => (address(join.from) === name && join.field !== null ? [join.field] : [])),
        ])
        return {
          connection: name.split(':')[0]!,
          name: name.split(':')[1]!,
          keyFields: [...new Set(keyFields)],
          keeping: keep[name] ?? 'full',
          keptFields: pathsReadOf(toAddress(name), definitions).map((path) => JSON.stringify(path)),
        }
      }),
      syncs: definitions.map((sync) => ({
        name: sync.name,
        from: sync.from,
        to: sync.to,
        version: sync.version,
        source: sync.source,
      })),
    })
    return new TestHub(
      pool,
      systems,
      syncs,
      toModel(registry.streams, registry.syncs, definitions, registry.connections),
    )
  }

  /** Asks for a pull and does it. */
  async pull(stream: string, mode: 'full' | 'incremental' = 'incremental') {
    const [connection, name] = stream.split(':') as [string, string]
    const id = this.ports.model().streamId({ connection, stream: name })!
    await this.ports.ledger.requestPull([id], mode, null)
    return pullStream(this.ports, id, { trigger: 'test', signal: new AbortController().signal })
  }

  async push(name: string, lane = 0, signal = new AbortController().signal) {
    const { row } = this.ports.model().syncByName(name)!
    return pushLane(this.ports, row.id, lane, { trigger: 'test', signal })
  }

  /** Makes everything that waits for a later attempt due now. */
  async skipWaits(): Promise<void> {
    await this.pool.query('update delivery set next_attempt_at = now() where next_attempt_at is not null')
    await this.pool.query('update connection set wait_until = null')
    await this.pool.query('update sync set next_push_at = null')
    await this.pool.query('update lane set next_at = null')
    await this.pool.query("update intent set opened_at = opened_at - interval '1 minute'")
  }

  /** Makes links so old that a target which does not find them is believed. */
  async ageLinks(): Promise<void> {
    await this.pool.query("update link set created_at = created_at - interval '1 hour'")
  }

  async states(name: string): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ state: string; n: number }>(
      'select d.state, count(*) as n from delivery d join sync s on s.id = d.sync_id where s.name = $1 group by 1',
      [name],
    )
    return Object.fromEntries(rows.map((row) => [row.state, row.n]))
  }

  #runner(): MappingRunner {
    const of = (sync: SyncDefinition): TestSync => this.#syncs.find(({ name }) => name === sync.name)!
    const parse = (input: MapInput): JsonObject => parseExact(input.body.toString()) as JsonObject
    return {
      joinKeys: async (sync, inputs) => inputs.map((input) => of(sync).keys?.(parse(input)) ?? {}),
      map: async (sync, inputs) =>
        inputs.map((input) =>
          of(sync).run(
            parse(input),
            Object.fromEntries(Object.entries(input.joins ?? {}).map(([name, text]) => [name, parseExact(text)])),
          ),
        ),
      warm: () => {},
      close: async () => {},
    }
  }
}

/** Closed with the test, because the test server allows few sessions. */
async function openDatabase(): Promise<pg.Pool> {
  const { pool } = await freshDatabase()
  onTestFinished(() => pool.end())
  return pool
}

const address = ({ connection, stream }: { connection: string; stream: string }): string => `${connection}:${stream}`
const toAddress = (text: string) => ({ connection: text.split(':')[0]!, stream: text.split(':')[1]! })

function toDefinition(sync: TestSync): SyncDefinition {
  const { run: _run, keys: _keys, from, to, ...rest } = sync
  return {
    file: `${sync.name}.yaml`,
    version: 'v1',
    source: '',
    match: [],
    multipart: false,
    joins: [],
    mode: 'upsert',
    onLeave: 'keep',
    deactivate: null,
    deletes: 'ignore',
    deleteLimits: DELETE_LIMITS,
    graceMs: 0,
    onDoubt: 'ask',
    content: false,
    schedule: [{ kind: 'manual' }],
    fullSchedule: null,
    lanes: 1,
    retry: { attempts: 3, baseMs: 1_000, capMs: 60_000 },
    tags: [],
    ...rest,
    from: toAddress(from),
    to: toAddress(to),
  }
}

function toModel(
  streams: StreamRow[],
  rows: SyncRow[],
  definitions: SyncDefinition[],
  connections: { id: number; name: string }[],
): HubModel {
  const syncs = rows.map((row) => ({ row, definition: definitions.find(({ name }) => name === row.name)! }))
  const streamId = (wanted: { connection: string; stream: string }) =>
    streams.find((row) => row.connection === wanted.connection && row.name === wanted.stream)?.id
  return {
    sync: (id) => syncs.find(({ row }) => row.id === id),
    syncByName: (name) => syncs.find(({ row }) => row.name === name),
    followers: (id) =>
      syncs.filter(
        ({ row, definition }) => row.fromStream === id || definition.joins.some((join) => streamId(join.from) === id),
      ),
    syncs: () => syncs,
    streamId,
    address: (id) => {
      const row = streams.find((stream) => stream.id === id)
      return row && { connection: row.connection, stream: row.name }
    },
    connectionId: (name) => connections.find((row) => row.name === name)?.id,
    keeping: (id) => streams.find((stream) => stream.id === id)?.keeping ?? 'full',
    keepsPartOf: (name) => streams.some((stream) => stream.connection === name && stream.keeping !== 'full'),
  }
}
