import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  AndFilter,
  Ber,
  BerReader,
  BerWriter,
  EqualityFilter,
  type Filter,
  FilterParser,
  GreaterThanEqualsFilter,
  OrFilter,
  PresenceFilter,
} from 'ldapts'

export type LdapEntry = { dn: string; attributes: Record<string, (string | Buffer)[]> }
type Request = { id: number; tag: number; reader: BerReader; cookie: string; pageSize: number }

const PAGED = '1.2.840.113556.1.4.319'

/** A directory in memory that speaks enough of RFC 4511 for reading, with the oddities of real ones to switch on. */
export class LdapServer {
  entries: LdapEntry[] = []
  readonly filters: string[] = []
  readonly binds: string[] = []
  port = 0
  /** Active Directory: a page may be empty although more follow. */
  emptyPageAt = -1
  /** Result of every search instead of success. */
  result = 0
  password = 'secret'
  /** Cuts the connection before this search (counted from 0). */
  cutAt = -1
  /** Active Directory spells attributes its own way. */
  upperCase = false
  private searches = 0
  private readonly sockets = new Set<Socket>()
  private readonly server = createServer((socket) => {
    this.sockets.add(socket.setNoDelay(true))
    let rest = Buffer.alloc(0)
    const state = { bound: false }
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket))
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data])
      for (let size = messageSize(rest); size !== null && size <= rest.length; size = messageSize(rest)) {
        this.answer(parse(rest.subarray(0, size)), socket, state)
        rest = rest.subarray(size)
      }
    })
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
    return this
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }

  private answer(request: Request, socket: Socket, state: { bound: boolean }): void {
    if (request.tag === 0x60) {
      request.reader.readInt()
      const dn = request.reader.readString() ?? ''
      const password = request.reader.readString(0x80) ?? ''
      this.binds.push(dn)
      state.bound = password === this.password
      socket.write(result(request.id, 0x61, state.bound ? 0 : 49))
    } else if (request.tag === 0x63) this.search(request, socket, state)
    else if (request.tag === 0x42) socket.end()
  }

  private search(request: Request, socket: Socket, state: { bound: boolean }): void {
    const { reader, id } = request
    const base = (reader.readString() ?? '').toLowerCase()
    reader.readEnumeration()
    reader.readEnumeration()
    reader.readInt()
    reader.readInt()
    reader.readBoolean()
    const filter = FilterParser.parse(reader)
    this.filters.push(filter.toString())
    if (this.searches++ === this.cutAt) return void socket.destroy()
    if (this.result) return void socket.write(result(id, 0x65, this.result))
    // What an anonymous user sees: nothing.
    const hits = state.bound
      ? this.entries.filter((entry) => entry.dn.toLowerCase().endsWith(base) && matches(filter, entry))
      : []
    const from = Number(request.cookie || 0)
    const empty = from === this.emptyPageAt
    const to = empty ? from : Math.min(hits.length, from + (request.pageSize || hits.length))
    if (empty) this.emptyPageAt = -1
    for (const entry of hits.slice(from, to)) socket.write(this.entryMessage(id, entry))
    socket.write(result(id, 0x65, 0, to < hits.length ? String(to) : ''))
  }

  private entryMessage(id: number, entry: LdapEntry): Buffer {
    return message(id, 0x64, (writer) => {
      writer.writeString(entry.dn)
      writer.startSequence()
      for (const [name, values] of Object.entries(entry.attributes)) {
        writer.startSequence()
        writer.writeString(this.upperCase ? name.toUpperCase() : name)
        writer.startSequence(0x31)
        for (const value of values) writer.writeBuffer(Buffer.from(value as string), Ber.OctetString)
        writer.endSequence()
        writer.endSequence()
      }
      writer.endSequence()
    })
  }
}

function matches(filter: Filter, { attributes }: LdapEntry): boolean {
  const valuesOf = (name: string) =>
    Object.entries(attributes).flatMap(([own, values]) =>
      own.toLowerCase() === name.toLowerCase() ? values.map(String) : [],
    )
  if (filter instanceof AndFilter) return filter.filters.every((part) => matches(part, { dn: '', attributes }))
  if (filter instanceof OrFilter) return filter.filters.some((part) => matches(part, { dn: '', attributes }))
  if (filter instanceof PresenceFilter) return valuesOf(filter.attribute).length > 0
  const fold = (text: string) => text.toLowerCase().replace(/\.0Z$/i, 'z')
  if (filter instanceof EqualityFilter) {
    const { attribute, value } = filter
    if (Buffer.isBuffer(value))
      return Object.entries(attributes).some(
        ([own, values]) =>
          own.toLowerCase() === attribute.toLowerCase() &&
          values.some((item) => value.equals(Buffer.from(item as string))),
      )
    return valuesOf(attribute).some((item) => fold(item) === fold(value))
  }
  if (filter instanceof GreaterThanEqualsFilter)
    return valuesOf(filter.attribute).some((value) => fold(value) >= fold(filter.value))
  throw new Error(`filter ${filter} is not supported here`)
}

function parse(bytes: Buffer): Request {
  const reader = new BerReader(bytes)
  reader.readSequence()
  const id = reader.readInt() ?? 0
  const tag = reader.readSequence() ?? 0
  const end = reader.offset + reader.length
  const paging = end < bytes.length ? readPaging(new BerReader(bytes.subarray(end))) : { cookie: '', pageSize: 0 }
  return { id, tag, reader, ...paging }
}

function readPaging(reader: BerReader): { cookie: string; pageSize: number } {
  reader.readSequence(0xa0)
  reader.readSequence()
  if (reader.readString() !== PAGED) return { cookie: '', pageSize: 0 }
  if (reader.peek() === Ber.Boolean) reader.readBoolean()
  const value = new BerReader(reader.readString(Ber.OctetString, true)!)
  value.readSequence()
  return { pageSize: value.readInt() ?? 0, cookie: value.readString() ?? '' }
}

function result(id: number, tag: number, code: number, cookie?: string): Buffer {
  return message(
    id,
    tag,
    (writer) => {
      writer.writeEnumeration(code)
      writer.writeString('')
      writer.writeString('text of the server with cn=somebody')
    },
    cookie,
  )
}

function message(id: number, tag: number, body: (writer: BerWriter) => void, cookie?: string): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(tag)
  body(writer)
  writer.endSequence()
  if (cookie !== undefined) {
    const value = new BerWriter()
    value.startSequence()
    value.writeInt(0)
    value.writeString(cookie)
    value.endSequence()
    writer.startSequence(0xa0)
    writer.startSequence()
    writer.writeString(PAGED)
    writer.writeBuffer(value.buffer, Ber.OctetString)
    writer.endSequence()
    writer.endSequence()
  }
  writer.endSequence()
  return writer.buffer
}

/** Length of the BER message at the start of the bytes, or null when not even its header is there. */
function messageSize(bytes: Buffer): number | null {
  if (bytes.length < 2) return null
  const first = bytes[1]!
  if (first < 0x80) return 2 + first
  const count = first & 0x7f
  return bytes.length < 2 + count ? null : 2 + count + bytes.readUIntBE(2, count)
}
