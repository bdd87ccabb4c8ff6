/** References to secrets, and the values behind them, which are fetched when they are needed and kept nowhere here. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CausewayError, type Place } from '../core/index.ts'
import type { Environment } from './load-settings.ts'

const SECRET_KINDS = ['env', 'file', 'store'] as const
export type SecretKind = (typeof SECRET_KINDS)[number]

/** Where a connection's secret is to be found. Holds no secret itself, so it may be shown. */
export type SecretReference = {
  connection: string
  field: string
  kind: SecretKind
  /** Variable, path or name in the ledger. */
  name: string
  place: Place
}

export type SecretSources = {
  env: Environment
  /** Folder that relative paths start from. */
  folder: string
  /** Reads a secret kept encrypted in the ledger; null where there is none. */
  store?: (connection: string, name: string) => Promise<string | null>
}

/** A key or certificate chain is a few kB; anything larger is the wrong file. */
const MAX_SECRET_BYTES = 64 * 1024

/** Splits `env:NAME`, `file:path` and `store:NAME`; null for anything else, which may be a secret itself. */
export function parseReference(text: string): { kind: SecretKind; name: string } | null {
  const match = /^(env|file|store):(.+)$/.exec(text.trim())
  if (!match) return null
  const [, kind, name] = match as unknown as [string, SecretKind, string]
  const wellFormed = { env: /^[A-Za-z_][A-Za-z0-9_]*$/, file: /^[^\0]+$/, store: /^[\w.-]{1,100}$/ }[kind]
  return wellFormed.test(name) ? { kind, name } : null
}

/** The value behind a reference. Throws CSW-1006 naming reference and place, never a value. */
export async function resolveSecret(reference: SecretReference, sources: SecretSources): Promise<string> {
  const value = await READERS[reference.kind](reference, sources)
  if (!value) throw missing(reference, WHY_MISSING[reference.kind])
  return value
}

const READERS: Record<
  SecretKind,
  (reference: SecretReference, sources: SecretSources) => Promise<string | null | undefined>
> = {
  env: async ({ name }, { env }) => env[name],
  file: readSecretFile,
  store: async (reference, { store }) => {
    if (!store) throw missing(reference, 'the ledger is not open here')
    return store(reference.connection, reference.name)
  },
}

const WHY_MISSING: Record<SecretKind, string> = {
  env: 'the variable is not set, or empty',
  file: 'the file is empty',
  store: 'nothing is stored under this name',
}

async function readSecretFile(reference: SecretReference, { folder }: SecretSources): Promise<string> {
  const path = resolve(folder, reference.name)
  try {
    if ((await stat(path)).size > MAX_SECRET_BYTES)
      throw missing(reference, `the file is larger than ${MAX_SECRET_BYTES} bytes`)
    // The line break that editors and `echo` leave at the end is not part of the secret; other blanks may be.
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof CausewayError) throw error
    throw missing(reference, `the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`)
  }
}

function missing(reference: SecretReference, why: string): CausewayError {
  const { connection, field, kind, name, place } = reference
  return new CausewayError('CSW-1006', {
    what: `Secret ${field} of ${connection.startsWith('alerts.') ? 'alert route' : 'connection'} ${connection.replace(/^alerts\./, '')} (${kind}:${name}) cannot be found: ${why}.`,
    place,
    fix: FIXES[kind](reference),
    data: { connection, field, reference: `${kind}:${name}` },
  })
}

const FIXES: Record<SecretKind, (reference: SecretReference) => string> = {
  env: ({ name }) => `Set the environment variable ${name} for every process of the hub.`,
  file: ({ name }) => `Put the secret into ${name} and let the hub read it.`,
  store: ({ connection, name }) => `Give it to the hub: causeway secrets store ${connection} ${name}`,
}
