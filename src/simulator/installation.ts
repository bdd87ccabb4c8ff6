/** A system that is stood up for a test: its records, its secrets and what a connection to it needs, whatever it speaks. */
import { randomBytes } from 'node:crypto'
import type { World } from './behaviours.ts'
import { cipherFunctions } from './cipher.ts'
import { Credentials } from './credentials.ts'
import type { Description } from './description.ts'
import { Expressions, type Names } from './expressions.ts'
import { type FaultKind, Faults } from './faults.ts'
import { Jobs } from './jobs.ts'
import type { Item } from './paths.ts'
import { Sessions } from './sessions.ts'
import { Table } from './table.ts'
import { fill } from './template.ts'
import { Uploads } from './uploads.ts'
import { handshakeOf, type SignedEvent, signedEvent } from './webhooks.ts'

/** One request that was served. `alien`: what in it the vendor does not know. */
export type Served = {
  method: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string | string[] | undefined>
  body: unknown
  route: string | null
  status: number
  alien: string | null
}

export abstract class Installation {
  readonly served: Served[] = []
  readonly faults = new Faults()
  readonly secrets: Record<string, string> = {}
  readonly description: Description
  readonly credentials: Credentials
  /** The most requests that were under way at once. */
  mostAtOnce = 0
  protected readonly expressions: Expressions
  protected readonly world: World

  constructor(description: Description) {
    this.description = description
    this.expressions = new Expressions(description.define)
    this.credentials = new Credentials(description, this.expressions)
    const tables = new Map(Object.keys(description.collections).map((name) => [name, this.tableOf(name)]))
    this.world = {
      description,
      tables,
      expressions: this.expressions,
      uploads: new Uploads(),
      jobs: new Jobs(),
      sessions: new Sessions(),
      now: () => Date.now(),
    }
  }

  /** Makes the records and opens the system on this machine. */
  async start(): Promise<void> {
    const { keys } = this.description
    await this.expressions.prepare(keys.length ? await cipherFunctions(keys, Date.now()) : {})
    for (const [name, template] of Object.entries(this.description.secrets))
      this.secrets[name] = String(
        await fill(template, { canary: `canary-${name}-${randomBytes(9).toString('hex')}` }, this.expressions),
      )
    const now = Date.now()
    for (const table of this.world.tables.values()) await table.populate(now)
    await this.open()
  }

  abstract stop(): Promise<void>

  protected abstract open(): Promise<void>

  /** What of its place on this machine its settings name. */
  protected abstract get place(): Item

  /** Brings the tables to what lies in the system now, where connectors write past them. */
  refresh(): Promise<void> {
    return Promise.resolve()
  }

  /** Whether this kind of system can make such trouble. */
  knows(_trouble: FaultKind): boolean {
    return true
  }

  protected tableOf(name: string): Table {
    return new Table(name, this.description.collections[name]!, this.expressions)
  }

  /** The settings of a connection to this installation. */
  async settings(): Promise<Item> {
    return (await fill(this.description.settings, this.names(), this.expressions)) as Item
  }

  table(name: string): Table {
    const table = this.world.tables.get(name)
    if (!table) throw new Error(`The description has no collection "${name}".`)
    return table
  }

  /** Values of a template of the description that sees the state. */
  async filled(template: unknown, names: Names): Promise<unknown> {
    return fill(template, { ...this.names(), ...names }, this.expressions)
  }

  /** Somebody changes records in the system itself. */
  async change(collection: string, ids: string[]): Promise<void> {
    for (const id of ids) await this.table(collection).touch(this.table(collection).find(id)!, Date.now())
  }

  /** Somebody deletes records in the system itself. */
  async remove(collection: string, ids: string[]): Promise<void> {
    for (const id of ids) await this.table(collection).remove(this.table(collection).find(id)!, Date.now())
  }

  /** An event as the vendor would send it; null where the description has none of that kind. */
  async event(
    stream: string,
    what: 'created' | 'updated' | 'deleted',
    record: Item,
    at: number,
  ): Promise<SignedEvent | null> {
    return signedEvent(this.description, stream, what, { ...this.names(), record }, at, this.expressions)
  }

  /** The vendor's check of a webhook's address, and the answer it waits for. */
  handshake(at: number): Promise<{ request: SignedEvent; answer: string } | null> {
    return handshakeOf(this.description, this.names(), at, this.expressions)
  }

  /** How many jobs were started so far. */
  get jobs(): number {
    return this.world.jobs.count
  }

  protected names(): Names {
    // Most expressions never look at the state; it is made for those that do.
    const state = {}
    for (const [name, table] of this.world.tables)
      Object.defineProperty(state, name, { enumerable: true, get: () => table.present.map(({ record }) => record) })
    return { ...this.place, secrets: this.secrets, state, now: new Date().toISOString() }
  }
}
