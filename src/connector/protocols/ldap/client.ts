/** One bound connection to a directory, on ldapts, with its socket from outbound. */
import type { Socket } from 'node:net'
import {
  Ber,
  type BerWriter,
  Client,
  Control,
  type Filter,
  type PagedResultsControl,
  ResultCodeError,
  BerWriter as Writer,
} from 'ldapts'
import { CausewayError, type ErrorCode } from '../../../core/index.ts'
import { type Dialler, dialFailure } from '../../../outbound/index.ts'
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
        // After a lost connection ldapts would dial again and search anonymously, which finds less than we are due.
        if (this.socket.destroyed) throw new Error('connection lost')
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

  close(): void {
    this.client.unbind().catch(() => {})
    this.socket.destroy()
  }

  /** Runs one operation; an abort cuts the socket, which ends it. */
  private async run<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    const cut = () => this.socket.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      if (signal.aborted) throw new Error('aborted')
      return await operation()
    } catch (error) {
      if (signal.aborted)
        throw new CausewayError('CSW-3015', { what: `A search in ${this.target.host} was cancelled.` })
      throw failureOf(error, `${this.target.host}:${this.target.port}`)
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

/** Result codes of RFC 4511 that ask for something else than "the directory failed". */
const CODES: Record<number, { code: ErrorCode; says: string }> = {
  3: { code: 'CSW-3002', says: 'took longer than its time limit' },
  4: { code: 'CSW-3011', says: 'has more entries than it gives at once' },
  7: { code: 'CSW-3003', says: 'does not take a simple bind' },
  8: { code: 'CSW-3003', says: 'asks for a stronger bind' },
  11: { code: 'CSW-3011', says: 'has an administrative limit that this search passes' },
  12: { code: 'CSW-3014', says: 'does not know a control we need (paged results)' },
  13: { code: 'CSW-3004', says: 'wants TLS; use ldaps or StartTLS' },
  18: { code: 'CSW-3016', says: 'cannot compare by the attribute of the filter' },
  21: { code: 'CSW-3016', says: 'refused a value in the filter' },
  32: { code: 'CSW-3014', says: 'has no entry with the base DN of the stream' },
  34: { code: 'CSW-3014', says: 'cannot read the base DN of the stream' },
  48: { code: 'CSW-3003', says: 'does not take this kind of bind' },
  49: { code: 'CSW-3003', says: 'refused the credentials' },
  50: { code: 'CSW-3004', says: 'does not allow the search to this user' },
  51: { code: 'CSW-3006', says: 'is busy' },
  52: { code: 'CSW-3006', says: 'is not available' },
}

/** The coded error of a failed operation. Messages of the server may quote DNs, so only their code is passed on. */
function failureOf(error: unknown, target: string): CausewayError {
  if (error instanceof CausewayError) return error
  if (error instanceof ResultCodeError) {
    const { code, says } = CODES[error.code] ?? { code: 'CSW-3006' as const, says: 'failed' }
    return new CausewayError(code, {
      what: `The directory ${target} ${says} (result ${error.code}).`,
      data: { result: error.code },
    })
  }
  const message = error instanceof Error ? error.message : ''
  if (/timed out|timeout/i.test(message))
    return new CausewayError('CSW-3002', { what: `The directory ${target} did not answer in time.` })
  if (error instanceof Error && 'code' in error) return dialFailure(error, target)
  return new CausewayError('CSW-3001', { what: `The connection to the directory ${target} broke.` })
}
