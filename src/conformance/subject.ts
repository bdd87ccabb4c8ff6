/** A connector under test: opened against a simulator of its system, with everything it says and sends kept. */
import { readFileSync } from 'node:fs'
import type {
  Catalogue,
  ConnectorDescription,
  ConnectorSession,
  Exchange,
  SourceRecord,
  StreamInfo,
} from '../connector/index.ts'
import { type JsonObject, parseYaml } from '../core/index.ts'
import type { Description, Installation, Item } from '../simulator/index.ts'
import { at } from '../simulator/index.ts'

export type StreamUse = Description['streams'][string]

/** What of the manifest the suite looks at, as it is written there. */
type Written = {
  auth?: { kind?: string }
  limits?: { concurrent?: number; per_second?: number; attempts?: number }
  part_size?: number
  webhooks?: object
  subscriptions?: object
  streams: Record<
    string,
    {
      read?: { paging?: { kind?: string }; changes?: { deleted?: string } }
      fetch?: object
      /** `true`, or names of operations, where the protocol itself knows how. */
      write?: Record<string, object> | true | string[]
      content?: object
    }
  >
}

export type Reading = { ids: string[]; records: SourceRecord[]; cursors: JsonObject[]; pages: string[][] }

/** The suite is not about pacing: waits for a quota would only make it slow. What the manifest allows is compared instead. */
const NO_WAIT = { take: () => Promise.resolve(), report: () => {}, learn: () => {}, waiting: null }

export class Subject {
  readonly connector: ConnectorDescription
  readonly session: ConnectorSession
  readonly simulator: Installation
  readonly manifest: Written
  readonly exchanges: Exchange[] = []
  /** Everything that is kept or shown somewhere: cursors, errors, log lines. */
  readonly said: string[] = []
  /** Settings that differ from those of the description. */
  readonly change: Item = {}
  /** The limits the connection keeps, as the hub would hold them. */
  buckets: readonly { name: string; units: number; seconds: number }[] = []
  readonly signal = new AbortController().signal
  private readonly catalogue: Catalogue
  private readonly name: string
  private counter = 0
  private readonly readings = new Map<string, { mark: number; reading: Reading }>()

  private constructor(catalogue: Catalogue, name: string, simulator: Installation, manifest: Written) {
    this.catalogue = catalogue
    this.name = name
    this.simulator = simulator
    this.manifest = manifest
    this.connector = catalogue.get(name).describe()
    this.session = null as never
  }

  static async open(catalogue: Catalogue, name: string, simulator: Installation): Promise<Subject> {
    const { file } = catalogue.get(name).describe()
    const manifest = parseYaml(readFileSync(file, 'utf8'), file).value as Written
    const subject = new Subject(catalogue, name, simulator, manifest)
    Object.assign(subject, { session: await subject.connect() })
    return subject
  }

  /** The same connector at the same installation, with other settings. What it says and sends is kept with the rest. */
  async variant(change: Item): Promise<Subject> {
    const subject = new Subject(this.catalogue, this.name, this.simulator, this.manifest)
    const { exchanges, said } = this
    // Records that are made up must not be made up twice.
    subject.counter = 10_000
    Object.assign(subject, { exchanges, said, change })
    return Object.assign(subject, { session: await subject.connect() })
  }

  /** Another connection to the same installation; `change` replaces settings. */
  async connect(change: Item = {}): Promise<ConnectorSession> {
    const settings = { ...(await this.simulator.settings()), ...this.change, ...change } as JsonObject
    const line = (...said: unknown[]) => void this.said.push(JSON.stringify(said))
    const session = await this.catalogue.get(this.name).open({
      name: 'simulated',
      settings,
      allow: ['127.0.0.1'],
      gate: ({ buckets }) => {
        this.buckets = buckets
        return NO_WAIT
      },
      onExchange: (exchange) => this.exchanges.push(exchange),
      log: { debug: line, info: line, warn: line },
    })
    const write = session.write.bind(session)
    session.write = async (request) => {
      const outcomes = await write(request)
      await this.simulator.refresh()
      return outcomes
    }
    return session
  }

  /** The system is no API but a store: a bucket, a table, a directory, a file. */
  get isStore(): boolean {
    return this.simulator.description.store !== undefined
  }

  /** Whether ids are looked up one by one: what stores do without a word in the manifest. */
  fetches(stream: string): boolean {
    return this.isStore || this.written(stream).fetch !== undefined
  }

  /** Streams the description tells how to use. */
  get streams(): [string, StreamInfo, StreamUse][] {
    return [...this.session.streams].flatMap(([name, info]) => {
      const use = this.simulator.description.streams[name]
      return use ? [[name, info, use] as [string, StreamInfo, StreamUse]] : []
    })
  }

  written(stream: string): Written['streams'][string] {
    return this.manifest.streams[stream] ?? {}
  }

  /** Reads a stream to its end, or `pages` of it. */
  async read(
    stream: string,
    mode: 'full' | 'incremental',
    cursor: JsonObject | null = null,
    pages = Infinity,
    session = this.session,
  ): Promise<Reading> {
    const reading: Reading = { ids: [], records: [], cursors: [], pages: [] }
    for await (const page of session.read({ stream, mode, cursor, signal: this.signal })) {
      const [rejected] = page.rejected
      if (rejected) throw rejected.error
      this.said.push(JSON.stringify(page.cursor))
      reading.records.push(...page.records)
      reading.ids.push(...page.records.filter(({ deleted }) => !deleted).map(({ id }) => id))
      reading.pages.push(page.records.map(({ id }) => id))
      // As it is kept: text in a table.
      reading.cursors.push(JSON.parse(JSON.stringify(page.cursor)) as JsonObject)
      if (reading.pages.length >= pages) break
    }
    return reading
  }

  /** A full read of a stream; shared by all who ask for it until something changes in the system. */
  async whole(stream: string, { collection }: StreamUse): Promise<Reading> {
    const { mark } = this.simulator.table(collection)
    const known = this.readings.get(stream)
    if (known?.mark === mark) return known.reading
    const reading = await this.read(stream, 'full')
    this.readings.set(stream, { mark, reading })
    return reading
  }

  /** Ids of the records that are there, as the stream names them. */
  expected(use: StreamUse): string[] {
    return this.simulator
      .table(use.collection)
      .entries.filter(({ deleted, record }) => !deleted && shownIn(use, record))
      .map((entry) => this.idOf(use, entry))
  }

  /** An id that no record has, in the form such ids have. */
  async idOfNobody({ missing, collection }: StreamUse): Promise<string> {
    const { description } = this.simulator
    const made = missing ?? description.collections[collection]!.id.make
    return String(await this.simulator.filled(made, { n: 987654, values: {} }))
  }

  idOf(use: StreamUse, entry: { id: string; record: Item }): string {
    return use.key ? String(at(entry.record, use.key)) : entry.id
  }

  /** The entry of a record by the stream's own id. */
  entryOf(use: StreamUse, id: string) {
    const table = this.simulator.table(use.collection)
    return use.key ? table.entries.find((entry) => this.idOf(use, entry) === id) : table.find(id)
  }

  next(): number {
    return ++this.counter
  }
}

function shownIn({ only }: StreamUse, record: Item): boolean {
  return Object.entries(only ?? {}).every(([path, value]) => (at(record, path) ?? null) === value)
}
