/** Messages of LDAP (RFC 4511) and its paged results (RFC 2696), as bytes. */
import { Ber, BerReader, BerWriter } from 'ldapts'
import type { DirectoryEntry } from './filter.ts'

export const OPERATION = {
  ...{ bind: 0x60, unbind: 0x42, search: 0x63, modify: 0x66, add: 0x68, delete: 0x4a, rename: 0x6c },
} as const
export const RESPONSE = {
  bind: 0x61,
  entry: 0x64,
  done: 0x65,
  modify: 0x67,
  add: 0x69,
  delete: 0x6b,
  rename: 0x6d,
} as const
const PAGED = '1.2.840.113556.1.4.319'

/** A request; `paging` is null where the client did not ask for pages. */
export type Request = {
  id: number
  tag: number
  reader: BerReader
  /** The bytes of the operation without its tag: the name itself in a deletion. */
  body: Buffer
  paging: { size: number; cookie: string } | null
}

export function readMessage(bytes: Buffer): Request {
  const reader = new BerReader(bytes)
  reader.readSequence()
  const id = reader.readInt() ?? 0
  const tag = reader.readSequence() ?? 0
  const end = reader.offset + reader.length
  const body = bytes.subarray(reader.offset, end)
  return { id, tag, reader, body, paging: end < bytes.length ? readPaging(new BerReader(bytes.subarray(end))) : null }
}

function readPaging(reader: BerReader): Request['paging'] {
  reader.readSequence(0xa0)
  reader.readSequence()
  if (reader.readString() !== PAGED) return null
  if (reader.peek() === Ber.Boolean) reader.readBoolean()
  const value = new BerReader(reader.readString(Ber.OctetString, true)!)
  value.readSequence()
  return { size: value.readInt() ?? 0, cookie: value.readString() ?? '' }
}

/** A list of attributes with their values (RFC 4511, 4.1.7). */
export function readAttributes(reader: BerReader): [string, string[]][] {
  reader.readSequence()
  const end = reader.offset + reader.length
  const attributes: [string, string[]][] = []
  while (reader.offset < end) attributes.push(readAttribute(reader))
  return attributes
}

export function readAttribute(reader: BerReader): [string, string[]] {
  reader.readSequence()
  const name = reader.readString() ?? ''
  reader.readSequence(0x31)
  const end = reader.offset + reader.length
  const values: string[] = []
  while (reader.offset < end) values.push(reader.readString() ?? '')
  return [name, values]
}

/** The end of an operation with its result code; `cookie` is where the next page begins, empty after the last. */
export const resultMessage = (id: number, tag: number, code: number, cookie?: string): Buffer =>
  message(
    id,
    tag,
    (writer) => {
      writer.writeEnumeration(code)
      writer.writeString('')
      writer.writeString(code === 0 ? '' : `result ${code}`)
    },
    cookie,
  )

export const entryMessage = (id: number, { dn, attributes }: DirectoryEntry): Buffer =>
  message(id, RESPONSE.entry, (writer) => {
    writer.writeString(dn)
    writer.startSequence()
    for (const [name, values] of Object.entries(attributes)) {
      writer.startSequence()
      writer.writeString(name)
      writer.startSequence(0x31)
      for (const value of values) writer.writeString(value)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
  })

function message(id: number, tag: number, body: (writer: BerWriter) => void, cookie?: string): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(tag)
  body(writer)
  writer.endSequence()
  if (cookie !== undefined) writePaging(writer, cookie)
  writer.endSequence()
  return writer.buffer
}

function writePaging(writer: BerWriter, cookie: string): void {
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

/** Length of the message at the start of the bytes; null when not even its header is there. */
export function sizeOfMessage(bytes: Buffer): number | null {
  if (bytes.length < 2) return null
  const first = bytes[1]!
  if (first < 0x80) return 2 + first
  const count = first & 0x7f
  return bytes.length < 2 + count ? null : 2 + count + bytes.readUIntBE(2, count)
}
