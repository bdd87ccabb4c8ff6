import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CausewayError } from '../core/index.ts'

export type AdminToken = {
  token: string
  /** Where it is kept; null when it was configured. */
  file: string | null
  /** Whether this start made it: then it is shown, this once. */
  isNew: boolean
}

/** 43 characters of base64url are 256 bits. A configured token may have another alphabet, so its length alone is checked. */
const MIN_CONFIGURED_LENGTH = 32

/**
 * The admin token: the configured one (`CAUSEWAY_ADMIN_TOKEN`), or the one in `<dataDir>/admin-token`, which is made with 256
 * random bits at the first start and readable by its owner only.
 */
export async function loadAdminToken(dataDir: string, configured?: string): Promise<AdminToken> {
  if (configured !== undefined && configured !== '') {
    if (configured.length < MIN_CONFIGURED_LENGTH)
      throw new CausewayError('CSW-1002', {
        what: `CAUSEWAY_ADMIN_TOKEN has ${configured.length} characters; fewer than ${MIN_CONFIGURED_LENGTH} can be guessed.`,
        fix: 'Set one made by `openssl rand -base64 32`, or unset it and let the hub make one.',
      })
    return { token: configured, file: null, isNew: false }
  }
  await mkdir(dataDir, { recursive: true })
  const file = join(dataDir, 'admin-token')
  // Exclusive creation: of two processes that start together one writes, the other reads.
  const made = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw unreadable(file, error)
  })
  if (made) {
    const token = randomBytes(32).toString('base64url')
    await made.writeFile(`${token}\n`).finally(() => made.close())
    return { token, file, isNew: true }
  }
  return { token: await readTokenFile(file), file, isNew: false }
}

/** Reads a token file, and takes away rights of others that a careless copy may have given. */
export async function readTokenFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error)
  })
  const token = text.trim()
  if (token.length < MIN_CONFIGURED_LENGTH)
    throw new CausewayError('CSW-1003', {
      what: `${file} holds no token.`,
      place: { file },
      fix: 'Delete the file; the next start makes a new token.',
    })
  await chmod(file, 0o600).catch(() => {})
  return token
}

const unreadable = (file: string, cause: NodeJS.ErrnoException): CausewayError =>
  new CausewayError('CSW-1003', {
    what: `${file} cannot be used (${cause.code ?? cause.message}).`,
    place: { file },
    cause,
  })

/** Compares in constant time: both sides are hashed first, so that neither length nor first difference shows. */
export function sameToken(given: string, expected: string): boolean {
  const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digestOf(given), digestOf(expected))
}
