import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { CausewayError } from '../core/index.ts'
import type { KeyRing, MasterKey } from './master-key.ts'

/** Where a secret belongs. It cannot be opened under another connection or field, even by someone who may write the table. */
export type SecretPlace = { connection: string; field: string }

export type SealedSecret = { sealed: Buffer; keyId: string }

const FORMAT = 1
const IV = 12
const TAG = 16
const KEY = 32
const WRAPPED = IV + KEY + TAG

/*
 * Envelope encryption: every secret has a data key of its own, which is sealed with the master key. A master key is so used
 * on random keys only, and changing it means sealing data keys anew, not secrets.
 * Layout: format (1) · sealed data key (12 + 32 + 16) · sealed secret (12 + n + 16).
 */

/** Seals a secret for its place with the current master key. */
export function seal(plain: string, place: SecretPlace, keys: KeyRing): SealedSecret {
  const dataKey = randomBytes(KEY)
  const body = encrypt(Buffer.from(plain, 'utf8'), dataKey, binding('secret', place, ''))
  return wrap(dataKey, body, place, keys.current)
}

/** Opens what `seal` made. Throws CSW-6007 when key, place or content are not what they were. */
export function unseal(secret: SealedSecret, place: SecretPlace, keys: KeyRing): string {
  const { dataKey, body } = unwrap(secret, place, keys)
  const plain = decrypt(body, dataKey, binding('secret', place, ''))
  if (!plain) throw refused(place, 'it was altered, or belongs to another connection or field')
  return plain.toString('utf8')
}

/** Seals the data key with the current master key. */
export function rewrap(secret: SealedSecret, place: SecretPlace, keys: KeyRing): SealedSecret {
  const { dataKey, body } = unwrap(secret, place, keys)
  return wrap(dataKey, body, place, keys.current)
}

function wrap(dataKey: Buffer, body: Buffer, place: SecretPlace, master: MasterKey): SealedSecret {
  const wrapped = encrypt(dataKey, master.key, binding('key', place, master.id))
  return { sealed: Buffer.concat([Buffer.from([FORMAT]), wrapped, body]), keyId: master.id }
}

function unwrap(secret: SealedSecret, place: SecretPlace, keys: KeyRing): { dataKey: Buffer; body: Buffer } {
  const master = keys.all.get(secret.keyId)
  if (!master) throw refused(place, `it was sealed with master key ${secret.keyId}, which this hub does not have`)
  if (secret.sealed[0] !== FORMAT || secret.sealed.length < 1 + WRAPPED + IV + TAG) {
    throw refused(place, 'it is not in a form this version knows')
  }
  const body = secret.sealed.subarray(1 + WRAPPED)
  const dataKey = decrypt(secret.sealed.subarray(1, 1 + WRAPPED), master.key, binding('key', place, master.id))
  if (!dataKey) throw refused(place, 'it was altered, or belongs to another connection or field')
  return { dataKey, body }
}

/** What a ciphertext is bound to, written so that no two places give the same text. */
const binding = (what: string, place: SecretPlace, keyId: string): Buffer =>
  Buffer.from(JSON.stringify(['causeway', FORMAT, what, place.connection, place.field, keyId]))

function encrypt(plain: Buffer, key: Buffer, bound: Buffer): Buffer {
  const iv = randomBytes(IV)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(bound)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(sealed: Buffer, key: Buffer, bound: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV), { authTagLength: TAG })
  decipher.setAAD(bound).setAuthTag(sealed.subarray(-TAG))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(IV, -TAG)), decipher.final()])
  } catch {
    return undefined
  }
}

const refused = (place: SecretPlace, why: string): CausewayError =>
  new CausewayError('CSW-6007', {
    what: `The stored secret ${place.connection}.${place.field} cannot be opened: ${why}.`,
    data: place,
  })
