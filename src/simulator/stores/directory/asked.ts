/** What a client asks to be written (RFC 4511, 4.6 to 4.9). */
import { OPERATION, type Request, readAttribute, readAttributes } from './messages.ts'

export type Asked =
  | { kind: 'add'; dn: string; attributes: [string, string[]][] }
  | { kind: 'modify'; dn: string; changes: Change[] }
  | { kind: 'rename'; dn: string; first: string; deletesOld: boolean; parent: string | null }
  | { kind: 'delete'; dn: string }

export type Change = { how: 'add' | 'delete' | 'replace'; attribute: string; values: string[] }

const HOW = ['add', 'delete', 'replace'] as const

/** Null for what is no write. */
export function askedBy({ tag, reader, body }: Request): Asked | null {
  if (tag === OPERATION.delete) return { kind: 'delete', dn: body.toString() }
  if (tag === OPERATION.add) return { kind: 'add', dn: reader.readString() ?? '', attributes: readAttributes(reader) }
  if (tag === OPERATION.modify) {
    const dn = reader.readString() ?? ''
    reader.readSequence()
    const end = reader.offset + reader.length
    const changes: Change[] = []
    while (reader.offset < end) {
      reader.readSequence()
      const how = HOW[reader.readEnumeration() ?? 0]!
      const [attribute, values] = readAttribute(reader)
      changes.push({ how, attribute, values })
    }
    return { kind: 'modify', dn, changes }
  }
  if (tag !== OPERATION.rename) return null
  const [dn, first, deletesOld] = [reader.readString() ?? '', reader.readString() ?? '', reader.readBoolean() ?? false]
  return {
    kind: 'rename',
    dn,
    first,
    deletesOld,
    parent: reader.peek() === 0x80 ? (reader.readString(0x80) ?? '') : null,
  }
}
