/** One bound connection to a directory, on ldapts, with its socket from outbound. */
import type { Socket } from 'node:net'
import {
  Attribute,
  Ber,
  type BerWriter,
  Change,
  Client,
  Control,
  type Filter,
  type PagedResultsControl,
  BerWriter as Writer,
} from 'ldapts'
import { CausewayError } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import { failureOf, NOT_SENT } from './results.ts'
import type { Entry } from './values.ts'

export type Target = { host: string; port: number; secure: boolean; startTls: boolean; timeoutMs: number }
export type Credentials = { dn: string; password: string } | null
export type Search = {
  base: string
  scope: 'sub' | 'one' | 'base'
  filter: Filter
  attributes: string[]
  pageSize: number
}

/** Values for one attribute: `replace` by these (none removes it), `add` or `delete` these alone. */
export type Modification = { operation: 'replace' | 'add' | 'delete'; attribute: string; values: Buffer[] }

const PAGED_RESULTS = '1.2.840.113556.1.4.319'

/** Asks for one page. Not ldapts' own control: `search` takes that one only to do the paging itself. */
class PageRequest extends Control {
  private readonly size: number
  private readonly cookie: Buffer
  constructor(size: number, cookie: Buffer) {
    super(PAGED_RESULTS, { critical: true })
    this.size = size
    this.cookie = cookie
  }
  override writeControl(writer: BerWriter): void {
    const value = new Writer()
    value.startSequence()
    value.writeInt(this.size)
    value.writeBuffer(this.cookie, Ber.OctetString)
    value.endSequence()
    writer.writeBuffer(value.buffer, Ber.OctetString)
  }
}

/** What we need of ldapts' `_send`: the controls of an answer, which its public methods keep to themselves. */
type Sender = { _send(message: unknown): Promise<{ controls?: Control[] } | undefined> }

export class Directory {
  private readonly client: Client
  private readonly socket: Socket
  private readonly target: Target
  private cookie: Buffer | null = null

  private constructor(client: Client, socket: Socket, target: Target) {
    this.client = client
    this.socket = socket
    this.target = target
    // ldapts ends its own paging at a page without entries, although more may follow (RFC 2696 allows it, Active Directory
    // does it): the rest would be missing and taken for deleted. So we page ourselves and read the cookie here.
    const inner = client as unknown as Sender
    const send = inner._send.bind(client)
    inner._send = async (message) => {
      const answer = await send(message)
      const page = answer?.controls?.find(({ type }) => type === PAGED_RESULTS) as PagedResultsControl | undefined
      this.cookie = page?.value?.cookie ?? null
      return answer
    }
  }

  /** Dials, secures and binds. */
  static async open(
    dialler: Dialler,
    target: Target,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<Directory> {
    const { host, port, secure, startTls, timeoutMs } = target
    const socket = await dialler.dial(host, port, { ...(secure ? { tls: true } : {}), signal })
    const client = new Client({
      url: `ldap://${host.includes(':') ? `[${host}]` : host}:${port}`,
      timeout: timeoutMs,
      createConnection: () => socket,
      createSecureConnection: () => dialler.secure(socket, host),
    })
    const directory = new Directory(client, socket, target)
    try {
      await directory.run(signal, async () => {
        if (startTls) await client.startTLS()
        if (credentials) await client.bind(credentials.dn, credentials.password)
      })
      return directory
    } catch (error) {
      directory.close()
      throw error
    }
  }

  /** The entries of a search, page by page; every page with the moment it was asked for. */
  async *search(
    search: Search,
    now: () => Date,
    signal: AbortSignal,
  ): AsyncGenerator<{ entries: Entry[]; requestedAt: Date }> {
    let cookie: Buffer = Buffer.alloc(0)
    do {
      const requestedAt = now()
      const request = new PageRequest(search.pageSize, cookie)
      const { searchEntries } = await this.run(signal, () => {
        return this.client.search(
          search.base,
          {
            scope: search.scope,
            filter: search.filter,
            attributes: search.attributes,
            explicitBufferAttributes: everything,
          },
          request,
        )
      })
      yield { entries: searchEntries.map(entryOf), requestedAt }
      cookie = this.cookie ?? Buffer.alloc(0)
    } while (cookie.length)
  }

  /** Makes an entry. Without an answer it may be there or not (CSW-3012). */
  add(dn: string, attributes: ReadonlyMap<string, Buffer[]>, signal: AbortSignal): Promise<void> {
    const given = [...attributes].map(([type, values]) => new Attribute({ type, values }))
    return this.run(signal, () => this.client.add(dn, given), { writes: true, once: true })
  }

  modify(dn: string, changes: readonly Modification[], signal: AbortSignal): Promise<void> {
    const given = changes.map(
      ({ operation, attribute, values }) =>
        new Change({ operation, modification: new Attribute({ type: attribute, values }) }),
    )
    return this.run(signal, () => this.client.modify(dn, given), { writes: true })
  }

  /** Gives an entry another name, and with `parent` another place; the old value of the name goes. */
  rename(dn: string, first: string, parent: string | null, signal: AbortSignal): Promise<void> {
    const name = parent === null ? first : `${first},${parent}`
    return this.run(signal, () => this.client.modifyDN(dn, name), { writes: true })
  }

  remove(dn: string, signal: AbortSignal): Promise<void> {
    return this.run(signal, () => this.client.del(dn), { writes: true })
  }

  /** Nothing can be sent over it any more. */
  get lost(): boolean {
    return this.socket.destroyed
  }

  close(): void {
    this.client.unbind().catch(() => {})
    this.socket.destroy()
  }

  /** Runs one operation; an abort cuts the socket, which ends it. */
  private async run<T>(
    signal: AbortSignal,
    operation: () => Promise<T>,
    kind: { writes?: boolean; once?: boolean } = {},
  ): Promise<T> {
    const cut = () => this.socket.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      if (signal.aborted) throw new CausewayError('CSW-3015', { what: `Work in ${this.target.host} was cancelled.` })
      // After a lost connection ldapts would dial again and go on anonymously, and find less than we are due.
      if (this.socket.destroyed) throw new Error(NOT_SENT)
      return await operation()
    } catch (error) {
      if (signal.aborted && !kind.once)
        throw new CausewayError('CSW-3015', { what: `Work in ${this.target.host} was cancelled.` })
      throw failureOf(error, `${this.target.host}:${this.target.port}`, kind)
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }
}

/** Asks ldapts for the bytes of all attributes, however the server spells their names. */
const everything = new (class extends Array<string> {
  override includes(): boolean {
    return true
  }
})()

function entryOf(found: Record<string, unknown>): Entry {
  const values = new Map<string, Buffer[]>()
  for (const [name, value] of Object.entries(found))
    if (name !== 'dn') values.set(name.toLowerCase(), (Array.isArray(value) ? value : [value]) as Buffer[])
  return { dn: String(found.dn), values }
}
