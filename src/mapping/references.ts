import { randomUUID } from 'node:crypto'
import type { HostFunction } from '../expression/index.ts'
import type { Reference, StreamAddress } from './contract.ts'

/**
 * `$ref(to, from, id)` gives a marker, which is taken out of the output and listed beside it. Its key is made anew by every
 * process, so that no record can bring a marker along.
 */
const KEY = `reference ${randomUUID()}`

type Marker = Record<string, { to: string; from: string; id: string }>

export const referenceFunctions: Readonly<Record<string, HostFunction>> = {
  ref: {
    signature: '<ssx?:x>',
    implementation: (to?: string, from?: string, id?: unknown) => {
      if (id === undefined || id === null) return id
      if (to === undefined || from === undefined) throw { code: 'T0410', index: to === undefined ? 1 : 2 }
      return Array.isArray(id) ? id.map((one) => mark(to, from, one)) : mark(to, from, id)
    },
  },
}

function mark(to: string, from: string, id: unknown): Marker {
  if (typeof id !== 'string' && typeof id !== 'number') throw { code: 'T0410', index: 3, value: id }
  return { [KEY]: { to, from, id: String(id) } }
}

/** The reference a value stands for, with the sync's own connections where none is named. */
export function referenceOf(
  value: object,
  path: (string | number)[],
  sync: { from: StreamAddress; to: StreamAddress },
): Reference | undefined {
  if (!Object.hasOwn(value, KEY)) return undefined
  const { to, from, id } = (value as Marker)[KEY]!
  return { path, to: addressOf(to, sync.to.connection), from: addressOf(from, sync.from.connection), id }
}

/** `connection:stream`, or a stream of the connection at hand. */
function addressOf(text: string, connection: string): StreamAddress {
  const colon = text.indexOf(':')
  return colon < 0 ? { connection, stream: text } : { connection: text.slice(0, colon), stream: text.slice(colon + 1) }
}
