/** An open connection to a directory. Sockets are opened per read and look-up: directories drop idle ones. */
import type { Filter } from 'ldapts'
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import type {
  LookupRequest,
  LookupResult,
  Page,
  ProbeStep,
  ReadRequest,
  SourceRecord,
  WriteOutcome,
  WriteRequest,
} from '../../contract.ts'
import { asText } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import { chunksOf } from '../../parts/pool.ts'
import { shifted, sortableTimestamp } from '../../parts/timestamps.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import { type Credentials, Directory, type Search, type Target } from './client.ts'
import type { LdapConnector, LdapStream } from './fields.ts'
import { anyOf, both, changedSince, parseFilter } from './filters.ts'
import { folded } from './names.ts'
import { attributeOf, bodyOf, type Entry } from './values.ts'
import { EntryWriter } from './write.ts'

/** Values per look-up: filters of some hundred terms are fine everywhere, larger ones are not. */
const TERMS = 100

export class LdapSession implements ProtocolSession {
  private readonly context: ProtocolContext<LdapConnector, LdapStream>

  constructor(context: ProtocolContext<LdapConnector, LdapStream>) {
    this.context = context
  }

  /**
   * Full: all entries. Incremental: those changed since a little before the last change seen, and deletions from the change
   * log where there is one. Repeats are expected: times have whole seconds.
   */
  async *read({ stream, mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
    const spec = this.stream(stream)
    const since = mode === 'incremental' && typeof cursor?.since === 'string' ? cursor.since : null
    const began = this.context.clock.now()
    const directory = await this.connect(signal)
    try {
      let newest = since === null ? null : typeof cursor?.newest === 'string' ? cursor.newest : null
      const keep: JsonObject = since === null ? {} : cursor!
      const tombstones = since === null ? [] : await this.deletions(directory, spec, since, signal)
      let held: Page | null = tombstones.length
        ? { records: tombstones, rejected: [], cursor: keep, requestedAt: began, last: false }
        : null
      const search = this.searchOf(spec, since === null ? null : changedSince(spec.spec.changed_attribute, since))
      for await (const { entries, requestedAt } of directory.search(search, () => this.context.clock.now(), signal)) {
        // One page behind, so that the last one is known to be the last.
        if (held) yield held
        held = { ...this.pageOf(spec, entries), cursor: keep, requestedAt, last: false }
        for (const { version } of held.records)
          if (version !== null && (newest === null || version > newest)) newest = version
      }
      const next = this.nextCursor(spec, newest, began)
      yield { ...(held ?? { records: [], rejected: [], requestedAt: began }), cursor: next, last: true }
    } finally {
      directory.close()
    }
  }

  async fetch({
    stream,
    ids,
    signal,
  }: {
    stream: string
    ids: string[]
    signal: AbortSignal
  }): Promise<SourceRecord[]> {
    const spec = this.stream(stream)
    return this.find(spec, spec.spec.id_attribute, ids, signal)
  }

  async lookup({ stream, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const spec = this.stream(stream)
    const wanted = new Map(values.map((value) => [folded(value), value]))
    const result: LookupResult = new Map()
    for (const record of await this.find(spec, field, values, signal)) {
      const shown = record.body[field]
      for (const value of Array.isArray(shown) ? shown : [shown]) {
        // Directories compare most attributes without case and runs of spaces.
        const asked = typeof value === 'string' ? wanted.get(folded(value)) : undefined
        if (asked !== undefined) result.set(asked, [...(result.get(asked) ?? []), record])
      }
    }
    return result
  }

  write({ stream, operation, items, signal, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    const spec = this.stream(stream)
    const writer = new EntryWriter(spec.spec, {
      connect: (signal) => this.connect(signal),
      entry: async (directory, id, signal) =>
        (await this.entries(directory, spec, spec.spec.id_attribute, [id], signal))[0] ?? null,
      named: (directory, dn, signal) => this.named(directory, spec, dn, signal),
      below: () => this.text(spec.spec.write!.below),
      classes: () => spec.spec.write!.object_classes.flatMap((name) => this.text(name) ?? []),
    })
    return writer.write(operation, items, { signal, maySend })
  }

  content(): Promise<never> {
    return Promise.reject(
      new CausewayError('CSW-2003', { what: 'Entries of a directory have no content to download.' }),
    )
  }

  async probe(signal: AbortSignal): Promise<ProbeStep[]> {
    const { secure, startTls } = this.target()
    const steps: ProbeStep[] = []
    try {
      const directory = await this.connect(signal)
      const protection = secure || startTls ? 'over TLS' : 'WITHOUT TLS: the password can be read on the way'
      steps.push({ step: 'connect and bind', ok: true, detail: protection })
      try {
        for (const spec of this.context.streams.values()) steps.push(await this.probeStream(directory, spec, signal))
      } finally {
        directory.close()
      }
    } catch (error) {
      if (!(error instanceof CausewayError)) throw error
      steps.push({ step: 'connect and bind', ok: false, detail: error.message, error })
    }
    return steps
  }

  async close(): Promise<void> {}

  private async probeStream(
    directory: Directory,
    spec: StreamSpec<LdapStream>,
    signal: AbortSignal,
  ): Promise<ProbeStep> {
    const step = `first page of ${spec.name}`
    try {
      const search = { ...this.searchOf(spec, null), pageSize: 5 }
      for await (const { entries } of directory.search(search, () => this.context.clock.now(), signal)) {
        const { rejected } = this.pageOf(spec, entries)
        if (rejected[0]) return { step, ok: false, detail: rejected[0].error.message, error: rejected[0].error }
        return { step, ok: true, detail: `${entries.length} entries` }
      }
      return { step, ok: true, detail: 'no entries' }
    } catch (error) {
      if (!(error instanceof CausewayError)) throw error
      return { step, ok: false, detail: error.message, error }
    }
  }

  private pageOf(spec: StreamSpec<LdapStream>, entries: Entry[]): Pick<Page, 'records' | 'rejected'> {
    const page: Pick<Page, 'records' | 'rejected'> = { records: [], rejected: [] }
    for (const entry of entries) {
      try {
        const body = bodyOf(entry, spec.spec)
        const made = spec.toRecord(body)
        if (isRejected(made)) page.rejected.push(made)
        else page.records.push(withCondition(made, body))
      } catch (error) {
        if (!(error instanceof CausewayError)) throw error
        page.rejected.push({ body: { dn: entry.dn }, error })
      }
    }
    return page
  }

  /** Entries deleted since then, as tombstones. */
  private async deletions(
    directory: Directory,
    spec: StreamSpec<LdapStream>,
    since: string,
    signal: AbortSignal,
  ): Promise<SourceRecord[]> {
    const base = this.text(spec.spec.change_log?.base)
    if (!base) return []
    const inside = `,${folded(this.text(spec.spec.base) ?? '')}`
    const filter = both(parseFilter('(&(objectClass=auditDelete)(reqResult=0))'), changedSince('reqStart', since))
    const attributes = ['reqDN', 'reqEntryUUID', 'reqStart']
    const search: Search = { base, scope: 'one', filter, attributes, pageSize: spec.spec.page_size }
    const tombstones: SourceRecord[] = []
    for await (const { entries } of directory.search(search, () => this.context.clock.now(), signal)) {
      for (const entry of entries) {
        const [dn, id, at] = attributes.map((name) => attributeOf(entry, name, { values: 'first', type: 'text' }))
        if (typeof id === 'string' && folded(String(dn)).endsWith(inside))
          tombstones.push({ id, version: sortableTimestamp(at), body: {}, deleted: true })
      }
    }
    return tombstones
  }

  /**
   * The next read begins a little before the newest change seen, and before this read began: an entry changed while we read
   * may sit on a page that was delivered before.
   */
  private nextCursor(spec: StreamSpec<LdapStream>, newest: string | null, began: Date): JsonObject {
    if (newest === null) return {}
    const start = sortableTimestamp(began.toISOString())!
    const bound = newest < start ? newest : start
    return { newest, since: shifted(bound, -spec.spec.overlap_seconds * 1000) }
  }

  private async find(
    spec: StreamSpec<LdapStream>,
    attribute: string,
    values: string[],
    signal: AbortSignal,
  ): Promise<SourceRecord[]> {
    const directory = await this.connect(signal)
    try {
      return this.pageOf(spec, await this.entries(directory, spec, attribute, values, signal)).records
    } finally {
      directory.close()
    }
  }

  private async entries(
    directory: Directory,
    spec: StreamSpec<LdapStream>,
    attribute: string,
    values: string[],
    signal: AbortSignal,
  ): Promise<Entry[]> {
    const type = spec.spec.attributes[attribute]?.type ?? 'text'
    const found: Entry[] = []
    for (const some of chunksOf(values, TERMS)) {
      const terms = anyOf(attribute, some, type)
      if (terms === null) continue
      const search = this.searchOf(spec, terms)
      for await (const { entries } of directory.search(search, () => this.context.clock.now(), signal))
        found.push(...entries)
    }
    return found
  }

  private async named(
    directory: Directory,
    spec: StreamSpec<LdapStream>,
    dn: string,
    signal: AbortSignal,
  ): Promise<Entry | null> {
    const search: Search = {
      ...this.searchOf(spec, null),
      base: dn,
      scope: 'base',
      filter: parseFilter('(objectClass=*)'),
    }
    for await (const { entries } of directory.search(search, () => this.context.clock.now(), signal))
      if (entries[0]) return entries[0]
    return null
  }

  private searchOf({ spec }: StreamSpec<LdapStream>, also: Filter | null): Search {
    const filter = parseFilter(this.text(spec.filter) ?? '(objectClass=*)')
    return {
      base: this.text(spec.base) ?? '',
      scope: spec.scope,
      filter: also === null ? filter : both(filter, also),
      attributes: [...new Set([spec.id_attribute, spec.changed_attribute, ...Object.keys(spec.attributes)])],
      pageSize: spec.page_size,
    }
  }

  private connect(signal: AbortSignal): Promise<Directory> {
    return Directory.open(this.context.outbound.dialler, this.target(), this.credentials(), signal)
  }

  private credentials(): Credentials {
    const { bind } = this.context.spec
    if (!bind) return null
    const [dn, password] = [this.text(bind.dn) ?? '', this.text(bind.password) ?? '']
    // A name with an empty password is an "unauthenticated bind" (RFC 4513, 5.1.2): it succeeds, and shows what anybody sees.
    if (dn === '' || password === '')
      throw new CausewayError('CSW-2005', {
        what: `Connection ${this.context.connection} has no user or no password for the directory.`,
      })
    return { dn, password }
  }

  private target(): Target {
    const { spec, connection } = this.context
    const url = URL.parse(this.text(spec.url) ?? '')
    if (!url || !/^ldaps?:$/.test(url.protocol) || url.hostname === '')
      throw new CausewayError('CSW-2005', {
        what: `The URL of connection ${connection} is no ldap:// or ldaps:// address.`,
      })
    const secure = url.protocol === 'ldaps:'
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (secure ? 636 : 389),
      secure,
      startTls: !secure && this.text(spec.start_tls) === 'true',
      timeoutMs: spec.timeout_seconds * 1000,
    }
  }

  private text(from: { evaluate(scope: Record<string, unknown>): unknown } | undefined): string | null {
    const value = from?.evaluate({ settings: this.context.settings })
    return value === undefined || value === null ? null : asText(value)
  }

  private stream(name: string): StreamSpec<LdapStream> {
    const spec = this.context.streams.get(name)
    if (!spec)
      throw new CausewayError('CSW-2002', { what: `Connector ${this.context.connector} has no stream ${name}.` })
    return spec
  }
}

/** Writes compare the time of change once more, as it is spelled here. */
function withCondition(made: SourceRecord, body: JsonObject): SourceRecord {
  const changed = sortableTimestamp(body.changed_at)
  if (changed !== null) made.condition = changed
  return made
}
