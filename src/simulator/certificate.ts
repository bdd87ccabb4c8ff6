/** A certificate a vendor signed for itself, so that connectors meet what vendors publish: X.509 (RFC 5280) in DER. */
import { createHash, generateKeyPair, type KeyObject, privateDecrypt, sign } from 'node:crypto'
import { promisify } from 'node:util'

export type VendorKey = {
  /** DER. */
  certificate: Buffer
  /** SHA-256 of the public key (SubjectPublicKeyInfo). */
  id: Buffer
  /** What was encrypted for this key by RSA-OAEP with SHA-256; throws for anything else. */
  decrypt(bytes: Buffer): Buffer
}

/** Makes a pair of RSA keys and a certificate for it, valid for a year around `now`. */
export async function vendorKey(name: string, now: number): Promise<VendorKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    certificate: selfSigned(name, spki, privateKey, now),
    id: createHash('sha256').update(spki).digest(),
    decrypt: (bytes) => privateDecrypt({ key: privateKey, oaepHash: 'sha256' }, bytes),
  }
}

const SHA256_WITH_RSA = Buffer.from('06092a864886f70d01010b', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const DAY_MS = 86_400_000

function selfSigned(name: string, spki: Buffer, key: KeyObject, now: number): Buffer {
  const algorithm = sequence(SHA256_WITH_RSA, tagged(0x05))
  const subject = sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(name)))))
  const time = (at: number) =>
    tagged(0x18, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(0, 14)}Z`))
  const validity = sequence(time(now - DAY_MS), time(now + 365 * DAY_MS))
  const version = tagged(0xa0, tagged(0x02, Buffer.from([2])))
  const serial = tagged(0x02, Buffer.from([1]))
  const content = sequence(version, serial, algorithm, subject, validity, subject, spki)
  return sequence(content, algorithm, tagged(0x03, Buffer.from([0]), sign('sha256', content, key)))
}

const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, ...parts)

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
