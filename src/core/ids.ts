import { hash, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Work of a sync is cut into this many fixed slices by record id; lanes deal slices out. Never changed: rows store it. */
export const SLICES = 64

/** The slice a record belongs to, 0 to 63. Stable over releases and platforms. */
export const sliceOf = (recordId: string): number => crc32(recordId) % SLICES

export const newId = (): string => randomUUID()

/** A short stable digest (128 bits, base64url) for hashes of bodies, fingerprints and idempotency keys. */
export const digest = (text: string | Buffer): string => hash('sha256', text, 'base64url').slice(0, 22)
