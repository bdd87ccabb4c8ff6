/** CRC-32 as object stores write it: four bytes, most significant first, in base64. */
import { crc32 } from 'node:zlib'

export const crcOf = (bytes: Buffer): number => crc32(bytes)

export function crcText(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0, 0)
  return bytes.toString('base64')
}
