import { Readable } from 'node:stream'
import type {
  ConnectorSession,
  LookupResult,
  Page,
  ReadRequest,
  SourceRecord,
  StreamInfo,
  WriteItem,
  WriteOutcome,
  WriteRequest,
} from '../../src/connector/index.ts'
import { failedOutcome } from '../../src/connector/parts/outcome.ts'
import { asCausewayError, CausewayError, type JsonObject } from '../../src/core/index.ts'
import { keyText } from '../../src/store/index.ts'

export type Row = { id: string; version: number; body: JsonObject; deleted: boolean; content?: Buffer }
export type Fault = 'lost-answer' | 'refuse' | 'down' | 'retry'

/**
 * A system behind the connector contract, with a journal of what was really done to it. The pipeline is tested against the
 * contract here; protocols and sockets have their own tests.
 */
export class MemorySystem implements ConnectorSession {
  readonly streams = new Map<string, StreamInfo>()
  readonly rows = new Map<string, Map<string, Row>>()
  /** Every effect, in order: what a person would find in the audit log of the target. */
  readonly journal: { operation: string; id: string; values: JsonObject }[] = []
  readonly calls: string[] = []
  /** Decides the fate of one item. */
  fault: (operation: string, item: WriteItem) => Fault | undefined = () => undefined
  pageSize = 10
  onPage: () => Promise<void> = async () => {}
  onWrite: (items: WriteItem[]) => Promise<void> = async () => {}
  /** Before the answer, when all is done. */
  afterWrite: () => Promise<void> = async () => {}
  /** What the system makes of a record that somebody writes: other case, rounding, defaults. */
  stores: (body: JsonObject) => JsonObject = (body) => body
  /** Ids that are left out of answers although they are there, and ids that a read of single records refuses. */
  readonly hidden = new Set<string>()
  readonly refused = new Set<string>()
  /** A search that does not tell capitals from small letters. */
  folds = false
  /** How a version is spelt: a counter, or a time; null where records have none. */
  spells: (version: number) => string | null = (version) => String(version).padStart(12, '0')
  /** Gives ETags, and refuses a write that is meant for another state of the record. */
  conditional = false
  /** Other ids of a record, by which a renamed one is known again. */
  aliases: (row: Row) => string[] = () => []
  /** What a record keeps when it is moved to another id. */
  movedBy: (row: Row) => string | undefined = () => undefined
  clock = 1
  #nextId = 1

  stream(name: string, abilities: Partial<StreamInfo['abilities']> = {}): this {
    this.streams.set(name, {
      name,
      title: name,
      abilities: {
        read: true,
        incremental: true,
        deletions: 'tombstones',
        create: true,
        update: true,
        upsert: false,
        upsertBy: [],
        delete: true,
        lookup: ['email', 'number', 'external_id'],
        partialUpdate: true,
        content: true,
        webhook: false,
        ...abilities,
      },
    })
    this.rows.set(name, new Map())
    return this
  }

  put(stream: string, id: string, body: JsonObject, content?: Buffer): void {
    this.rows.get(stream)!.set(id, { id, version: this.clock++, body, deleted: false, ...(content ? { content } : {}) })
  }

  remove(stream: string, id: string): void {
    const row = this.rows.get(stream)!.get(id)!
    this.rows.get(stream)!.set(id, { ...row, deleted: true, version: this.clock++ })
  }

  list(stream: string): Row[] {
    return [...this.rows.get(stream)!.values()].filter((row) => !row.deleted)
  }

  async *read(request: ReadRequest): AsyncGenerator<Page> {
    const since = request.mode === 'full' && request.cursor?.scan !== true ? 0 : Number(request.cursor?.version ?? 0)
    const all = [...this.rows.get(request.stream)!.values()]
      .sort((a, b) => a.version - b.version)
      .filter((row) => row.version > since)
    for (let at = 0; at === 0 || at < all.length; at += this.pageSize) {
      const requestedAt = new Date()
      await this.onPage()
      const rows = all.slice(at, at + this.pageSize)
      yield {
        records: rows.map((row) => this.#record(row)),
        rejected: [],
        cursor: { version: rows.at(-1)?.version ?? since, scan: true },
        requestedAt,
        last: at + this.pageSize >= all.length,
      }
    }
  }

  #record(row: Row): SourceRecord {
    const movedBy = row.deleted ? undefined : this.movedBy(row)
    return {
      ...(movedBy === undefined ? {} : { movedBy }),
      ...(this.conditional ? { condition: `"${row.version}"` } : {}),
      id: row.id,
      version: this.spells(row.version),
      body: row.deleted ? {} : row.body,
      ...(row.deleted ? { deleted: true } : { aliases: this.aliases(row) }),
      ...(row.content
        ? { content: { locator: { id: row.id }, size: row.content.length, hash: `v${row.version}` } }
        : {}),
    }
  }

  async fetch(request: { stream: string; ids: string[] }): Promise<SourceRecord[]> {
    this.calls.push(`fetch ${request.ids.length}`)
    const odd = request.ids.find((id) => this.refused.has(id))
    if (odd) throw new CausewayError('CSW-3008', { what: `${odd} cannot be read` })
    return request.ids.flatMap((id) => {
      if (this.hidden.has(id)) return []
      const row = this.rows.get(request.stream)!.get(id)
      return row && !row.deleted ? [this.#record(row)] : []
    })
  }

  async lookup(request: { stream: string; field: string; values: string[] }): Promise<LookupResult> {
    this.calls.push(`lookup ${request.values.length}`)
    const found: LookupResult = new Map()
    for (const row of this.list(request.stream)) {
      const value = keyText(row.body[request.field])
      const form = (text: string): string => (this.folds ? text.toLowerCase() : text)
      const asked = value === null ? undefined : request.values.find((one) => form(one) === form(value))
      if (asked !== undefined) found.set(asked, [...(found.get(asked) ?? []), this.#record(row)])
    }
    return found
  }

  async write(request: WriteRequest): Promise<WriteOutcome[]> {
    if (!this.streams.get(request.stream)!.abilities[request.operation])
      throw new CausewayError('CSW-2003', { what: `${request.stream} does not offer ${request.operation}` })
    this.calls.push(`${request.operation} ${request.items.length}`)
    await this.onWrite(request.items)
    const outcomes: WriteOutcome[] = []
    for (const item of request.items) outcomes.push(await this.#writeOne(request, item))
    await this.afterWrite()
    return outcomes
  }

  async #writeOne(request: WriteRequest, item: WriteItem): Promise<WriteOutcome> {
    const { ref } = item
    const fault = this.fault(request.operation, item)
    const failed = (code: 'CSW-3008' | 'CSW-3001' | 'CSW-3012' | 'CSW-3013', what: string) =>
      new CausewayError(code, { what })
    if (fault === 'refuse') return { ref, status: 'refused', error: failed('CSW-3008', 'field is invalid') }
    if (fault === 'down') return { ref, status: 'retry', error: failed('CSW-3001', 'connection refused') }
    if (fault === 'retry') return { ref, status: 'retry', error: failed('CSW-3013', 'locked') }
    const rows = this.rows.get(request.stream)!
    const stood = request.operation === 'upsert' ? this.#byKey(request.stream, item.key!) : item.id
    const id = stood ?? `t${this.#nextId++}`
    const row = rows.get(id)
    const makes = request.operation === 'create' || request.operation === 'upsert'
    if (!makes && (!row || row.deleted))
      return { ref, status: 'missing', error: new CausewayError('CSW-3009', { what: 'no such record' }) }
    if (this.conditional && item.ifVersion !== undefined && item.ifVersion !== `"${row?.version}"`)
      return { ref, status: 'conflict', error: failed('CSW-3013', 'changed meanwhile') }
    let content: Buffer | undefined
    try {
      content = item.content && (await readAll((await item.content()).stream))
    } catch (error) {
      return failedOutcome(ref, asCausewayError(error))
    }
    this.journal.push({ operation: request.operation, id, values: item.values })
    if (request.operation === 'delete') this.remove(request.stream, id)
    else this.put(request.stream, id, this.stores({ ...row?.body, ...item.values }), content)
    if (fault === 'lost-answer') return { ref, status: 'unknown', error: failed('CSW-3012', 'connection reset') }
    return { ref, status: 'written', id }
  }

  /** A system that upserts by a natural key knows nothing of the id that the hub may know. */
  #byKey(stream: string, { field, value }: { field: string; value: string }): string | undefined {
    return this.list(stream).find(({ body }) => keyText(body[field]) === value)?.id
  }

  async content(request: { stream: string; reference: { locator: JsonObject } }) {
    const row = this.rows.get(request.stream)!.get(String(request.reference.locator.id))!
    return { stream: Readable.from([row.content!]), size: row.content!.length }
  }

  verifyWebhook(): never {
    throw new Error('not part of this system')
  }
  async readEvent(_request: Parameters<ConnectorSession['readEvent']>[0]): ReturnType<ConnectorSession['readEvent']> {
    return []
  }
  async probe() {
    return []
  }
  async close() {}
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
