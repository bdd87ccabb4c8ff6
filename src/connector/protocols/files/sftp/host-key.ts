/** Which host keys a connection trusts. There is no way to trust them all. */
import { createHash } from 'node:crypto'
import { CausewayError } from '../../../../core/index.ts'

export type TrustedKeys = {
  trusts(key: Buffer): boolean
  /** The kinds of key to ask the server for; null where only fingerprints are known. */
  kinds: string[] | null
}

/** Reads fingerprints (`SHA256:…`) and whole keys (`[host] ssh-ed25519 AAAA… [comment]`), separated by commas or line breaks. */
export function trustedKeys(text: string, connection: string): TrustedKeys {
  const entries = text.split(/[,\n]/).flatMap((entry) => entry.trim() || [])
  const fingerprints = new Set<string>()
  const kinds = new Set<string>()
  for (const entry of entries) {
    const [, given] = /^(?:SHA256:)?([A-Za-z0-9+/]{43})=?$/.exec(entry) ?? []
    const [, kind, key] = /(?:^|\s)((?:ssh|ecdsa)-[a-z0-9@.-]+)\s+([A-Za-z0-9+/]{40,}={0,2})(?:\s|$)/.exec(entry) ?? []
    if (given) fingerprints.add(given)
    else if (kind && key) {
      fingerprints.add(fingerprintOf(Buffer.from(key, 'base64')))
      kinds.add(kind)
    } else throw malformed(entry, connection)
  }
  if (fingerprints.size === 0) throw malformed('', connection)
  const onlyWhole = kinds.size > 0 && entries.every((entry) => !/^(?:SHA256:)?[A-Za-z0-9+/]{43}=?$/.test(entry))
  return {
    trusts: (key) => fingerprints.has(fingerprintOf(key)),
    kinds: onlyWhole ? [...kinds].flatMap(signaturesOf) : null,
  }
}

/** SHA-256 of the key's wire form in base64 without padding, as OpenSSH shows it. */
export const fingerprintOf = (key: Buffer): string =>
  createHash('sha256').update(key).digest('base64').replace(/=+$/, '')

/** An RSA key signs in several ways; SHA-1 (`ssh-rsa`) is none of ours. */
const signaturesOf = (kind: string): string[] => (kind === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [kind])

const malformed = (entry: string, connection: string): CausewayError =>
  new CausewayError('CSW-2005', {
    what: `The host key of connection ${connection} ${entry ? 'holds what is neither a SHA-256 fingerprint nor a public key' : 'is empty'}.`,
    fix: 'Give what `ssh-keyscan HOST | ssh-keygen -lf -` prints, after comparing it with what the owner of the server says: SHA256:…',
  })
