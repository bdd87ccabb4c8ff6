/** A directory over a real socket: simple bind, writes, searches with filters, pages and limits (RFC 4511, 2696). */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Fault } from '../../faults.ts'
import { type Asked, askedBy } from './asked.ts'
import { type DirectoryEntry, type Filter, readFilter } from './filter.ts'
import {
  entryMessage,
  OPERATION,
  RESPONSE,
  type Request,
  readMessage,
  resultMessage,
  sizeOfMessage,
} from './messages.ts'

const RESULT = {
  ...{ success: 0, sizeLimit: 4, noSuchObject: 32, invalidCredentials: 49, insufficientAccess: 50, unavailable: 52 },
} as const
const SCOPE = { base: 0, one: 1 } as const
/** Shown only to those who ask for them by name (RFC 4512, 3.4). */
const OPERATIONAL = new Set(['entryuuid', 'modifytimestamp', 'createtimestamp'])

export type DirectoryOptions = {
  entries: () => DirectoryEntry[]
  user: string
  password: string
  /** The most entries a page, and a search without pages, gives. */
  limit: number
  /** Asked at each operation for the trouble that it has to meet. */
  meet: (method: string, name: string) => Fault | null
  /** Does what was asked, and gives the result code. */
  write: (asked: Asked) => Promise<number>
}

type Search = { base: string; scope: number; filter: Filter; attributes: string[] }

export class DirectoryServer {
  private readonly options: DirectoryOptions
  private readonly sockets = new Set<Socket>()
  private turn: Promise<void> = Promise.resolve()
  private readonly server = createServer((socket) => this.talk(socket))

  constructor(options: DirectoryOptions) {
    this.options = options
  }

  /** Gives its address. */
  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    return `ldap://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    return new Promise((done) => this.server.close(() => done()))
  }

  private talk(socket: Socket): void {
    this.sockets.add(socket.setNoDelay(true))
    let rest = Buffer.alloc(0)
    const session = { bound: false }
    // Operations of one client are done in their order, and those on one entry never at the same time.
    const turn = (work: () => Promise<void>) => (this.turn = this.turn.then(work).catch(() => void socket.destroy()))
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket))
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data])
      for (let size = sizeOfMessage(rest); size !== null && size <= rest.length; size = sizeOfMessage(rest)) {
        const request = readMessage(rest.subarray(0, size))
        void turn(() => this.answer(request, socket, session))
        rest = rest.subarray(size)
      }
    })
  }

  private async answer(request: Request, socket: Socket, session: { bound: boolean }): Promise<void> {
    const asked = askedBy(request)
    if (request.tag === OPERATION.bind) socket.write(this.bind(request, session))
    else if (request.tag === OPERATION.search) this.search(request, socket, session.bound)
    else if (asked) await this.write(request, asked, socket, session.bound)
    else socket.end()
  }

  private async write({ id }: Request, asked: Asked, socket: Socket, bound: boolean): Promise<void> {
    const fault = this.options.meet(asked.kind.toUpperCase(), asked.dn)
    const held = this.options.entries().find(({ dn }) => same(dn, asked.dn))
    const done = async (): Promise<number> => {
      if (fault?.kind === 'down') return RESULT.unavailable
      if (!bound) return RESULT.insufficientAccess
      if (!held && asked.kind !== 'add') return RESULT.noSuchObject
      return this.options.write(asked)
    }
    const answer = resultMessage(id, RESPONSE[asked.kind], await done())
    if (fault?.kind === 'lost') socket.destroy()
    else if (fault?.kind === 'cut') socket.write(answer.subarray(0, answer.length >> 1), () => socket.destroy())
    else socket.write(answer)
  }

  private bind({ id, reader }: Request, session: { bound: boolean }): Buffer {
    reader.readInt()
    const user = reader.readString() ?? ''
    const password = reader.readString(0x80) ?? ''
    session.bound = same(user, this.options.user) && password === this.options.password
    // A name with an empty password is an anonymous bind, and succeeds (RFC 4513, 5.1.2).
    return resultMessage(
      id,
      RESPONSE.bind,
      session.bound || password === '' ? RESULT.success : RESULT.invalidCredentials,
    )
  }

  private search(request: Request, socket: Socket, bound: boolean): void {
    const { id, paging } = request
    const search = searchOf(request)
    const fault = this.options.meet('SEARCH', search.base)
    if (fault?.kind === 'down') return void socket.write(resultMessage(id, RESPONSE.done, RESULT.unavailable))
    const { limit } = this.options
    const entries = this.options.entries()
    if (!entries.some(({ dn }) => isBelow(dn, search.base)))
      return void socket.write(resultMessage(id, RESPONSE.done, RESULT.noSuchObject))
    // What an anonymous user sees: nothing.
    const hits = bound ? entries.filter((entry) => isWithin(entry.dn, search) && search.filter(entry)) : []
    const from = Number(paging?.cookie || 0)
    const to = Math.min(hits.length, from + Math.min(limit, paging?.size || limit))
    const shown = hits.slice(from, to).map((entry) => entryMessage(id, withAttributes(entry, search.attributes)))
    const more = to < hits.length
    const end = paging
      ? resultMessage(id, RESPONSE.done, RESULT.success, more ? String(to) : '')
      : resultMessage(id, RESPONSE.done, more ? RESULT.sizeLimit : RESULT.success)
    const bytes = Buffer.concat([...shown, end])
    if (fault?.kind === 'cut') socket.write(bytes.subarray(0, bytes.length >> 1), () => socket.destroy())
    else socket.write(bytes)
  }
}

function searchOf({ reader }: Request): Search {
  const base = reader.readString() ?? ''
  const scope = reader.readEnumeration() ?? 2
  reader.readEnumeration()
  reader.readInt()
  reader.readInt()
  reader.readBoolean()
  const filter = readFilter(reader)
  reader.readSequence()
  const end = reader.offset + reader.length
  const attributes: string[] = []
  while (reader.offset < end) attributes.push(reader.readString() ?? '')
  return { base, scope, filter, attributes }
}

/** The attributes that are asked for: all but operational ones where none is named. */
function withAttributes({ dn, attributes }: DirectoryEntry, asked: string[]): DirectoryEntry {
  const wanted = new Set(asked.map((name) => name.toLowerCase()))
  const all = wanted.size === 0 || wanted.has('*')
  const shown = Object.entries(attributes).filter(([name, values]) => {
    const own = name.toLowerCase()
    return values.length > 0 && (wanted.has(own) || (OPERATIONAL.has(own) ? wanted.has('+') : all))
  })
  return { dn, attributes: Object.fromEntries(shown) }
}

const plain = (dn: string): string => dn.replace(/\s*,\s*/g, ',').toLowerCase()
export const same = (one: string, other: string): boolean => plain(one) === plain(other)
const isBelow = (dn: string, base: string): boolean => same(dn, base) || plain(dn).endsWith(`,${plain(base)}`)

function isWithin(dn: string, { base, scope }: Search): boolean {
  if (scope === SCOPE.base) return same(dn, base)
  if (scope === SCOPE.one) return same(plain(dn).replace(/^(\\.|[^,\\])*,/, ''), base)
  return isBelow(dn, base)
}
