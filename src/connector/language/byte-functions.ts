/**
 * Functions for systems that want bytes digested or encrypted. Bytes travel through expressions as Base64 text, in and out, so
 * that the functions can be put one into another; `$toBase64` is the way in. An argument without value gives no value.
 */
import { constants, createCipheriv, createHash, createPublicKey, publicEncrypt, X509Certificate } from 'node:crypto'
import type { HostFunction } from '../../expression/index.ts'

/** A failure in the words of JSONata; the values themselves are often secrets and stay out of it. */
const fault = (message: string) => ({ code: 'D3137', message })

function bytesOf(base64: string, name: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0)
    throw fault(`$${name} takes bytes as Base64 text; $toBase64 makes them of a text`)
  return Buffer.from(base64, 'base64')
}

/** The key of a certificate or of a bare public key, in PEM or as its bytes (DER) in Base64. */
function publicKeyOf(given: string) {
  try {
    if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(given)) return createPublicKey(given)
    if (given.includes('-----BEGIN')) return new X509Certificate(given).publicKey
    const der = bytesOf(given, 'rsaOaep')
    try {
      return new X509Certificate(der).publicKey
    } catch {
      return createPublicKey({ key: der, format: 'der', type: 'spki' })
    }
  } catch {
    throw fault('the key given to $rsaOaep is neither a certificate nor a public key')
  }
}

function rsaOaep(bytes: Buffer, given: string): Buffer {
  const key = publicKeyOf(given)
  if (key.asymmetricKeyType !== 'rsa') throw fault('the key given to $rsaOaep is no RSA key')
  try {
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, bytes)
  } catch {
    throw fault('what is given to $rsaOaep is too long for the key')
  }
}

function aesCbc(bytes: Buffer, key: Buffer, iv: Buffer): Buffer {
  if (![16, 24, 32].includes(key.length)) throw fault('the key of $aesCbc has to have 16, 24 or 32 bytes')
  if (iv.length !== 16) throw fault('the initialization vector of $aesCbc has to have 16 bytes')
  // Pads by PKCS#7, as it does unless told otherwise.
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

/** `given` are the arguments as bytes; nothing is done where one has no value. */
const onBytes =
  (name: string, work: (...given: Buffer[]) => Buffer | number) =>
  (...given: (string | undefined)[]) => {
    if (given.some((one) => one === undefined)) return undefined
    const made = work(...given.map((one) => bytesOf(one as string, name)))
    return typeof made === 'number' ? made : made.toString('base64')
  }

export const byteFunctions: Readonly<Record<string, HostFunction>> = {
  /** UTF-8; a character that is none (half a pair) becomes U+FFFD. */
  toBase64: {
    signature: '<s:s>',
    implementation: (text?: string) => (text === undefined ? undefined : Buffer.from(text).toString('base64')),
  },
  byteLength: { signature: '<s:n>', implementation: onBytes('byteLength', (bytes) => bytes.length) },
  /** Not `sha256`, which is a function of mappings and gives the digest of a text in hex. */
  sha256Base64: {
    signature: '<s:s>',
    implementation: onBytes('sha256Base64', (bytes) => createHash('sha256').update(bytes).digest()),
  },
  /** AES-128, 192 or 256 by the length of the key, in CBC mode with the padding of PKCS#7. */
  aesCbc: { signature: '<sss:s>', implementation: onBytes('aesCbc', (bytes, key, iv) => aesCbc(bytes, key!, iv!)) },
  /** RSA-OAEP with SHA-256, also for its mask (MGF1). */
  rsaOaep: {
    signature: '<ss:s>',
    implementation: (base64?: string, key?: string) =>
      base64 === undefined || key === undefined
        ? undefined
        : rsaOaep(bytesOf(base64, 'rsaOaep'), key).toString('base64'),
  },
}
