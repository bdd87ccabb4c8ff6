/** Functions for descriptions of vendors that want things encrypted: their keys, and what was encrypted for them. Bytes are Base64. */
import { createDecipheriv, createHash } from 'node:crypto'
import { type VendorKey, vendorKey } from './certificate.ts'
import { elementNames, elementText } from './languages/xml.ts'
import { Refusal } from './problem.ts'

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64')

/** What cannot be decrypted is the connector's mistake. */
function readable<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch {
    throw new Refusal('invalid', { reason: 'encryption', message: `${what} cannot be decrypted` }, true)
  }
}

/** `names` are those of the keys the vendor publishes; each is made anew. */
export async function cipherFunctions(
  names: readonly string[],
  now: number,
): Promise<Record<string, (...given: string[]) => unknown>> {
  const keys = new Map<string, VendorKey>()
  for (const name of names) keys.set(name, await vendorKey(name, now))
  const key = (name: string): VendorKey => {
    const found = keys.get(name)
    if (!found) throw new Error(`The description has no key "${name}".`)
    return found
  }
  return {
    certificate: (name) => key(name!).certificate.toString('base64'),
    keyId: (name) => key(name!).id.toString('base64'),
    unwrapped: (name, base64) =>
      readable('What was encrypted for the key', () => key(name!).decrypt(bytes(base64!)).toString('base64')),
    decrypted: (base64, secret, vector) =>
      readable('The content', () => {
        const decipher = createDecipheriv('aes-256-cbc', bytes(secret!), bytes(vector!))
        return Buffer.concat([decipher.update(bytes(base64!)), decipher.final()]).toString('base64')
      }),
    digestOf: (base64) => createHash('sha256').update(bytes(base64!)).digest('base64'),
    sizeOf: (base64) => bytes(base64!).length,
    elementNames: (xml, path) => elementNames(xml!, path!),
    elementText: (xml, path) => elementText(xml!, path!),
  }
}
