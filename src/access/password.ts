import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { CausewayError } from '../core/index.ts'

/** OWASP's second recommended setting for argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 }
const HASH_BYTES = 32
const SALT_BYTES = 16
/** Each takes 19 MiB and a thread of the pool that also resolves names; whoever floods logins must not take them all. */
const AT_ONCE = 2
const MOST_WAITING = 30

export const MIN_PASSWORD = 12

type Argon2 = (algorithm: 'argon2id', parameters: object) => Promise<Buffer>
const derive = promisify(argon2 as unknown as (...all: never[]) => void) as unknown as Argon2

/** The hash of a password in PHC form, with its own salt and cost, so that the cost can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  if (password.length < MIN_PASSWORD || password.length > 1_000)
    throw new CausewayError('CSW-8003', { what: `A password has ${MIN_PASSWORD} to 1000 characters.` })
  const salt = randomBytes(SALT_BYTES)
  return phc(COST, salt, await digest(password, salt, COST, HASH_BYTES))
}

/** Compares in constant time. Without a hash (nobody of that name) it works as long, and is false. */
export async function isPassword(given: string, hash: string | null): Promise<boolean> {
  const { cost, salt, expected } = parsed(hash ?? NOBODY)
  const found = await digest(given, salt, cost, expected.length)
  return timingSafeEqual(found, expected) && hash !== null
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
const phc = ({ memory, passes, parallelism }: typeof COST, salt: Buffer, hash: Buffer): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`

/** A hash that no password has; what it costs is what every other costs. */
const NOBODY = phc(COST, Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES))

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/

function parsed(text: string): { cost: typeof COST; salt: Buffer; expected: Buffer } {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(text) ?? []
  if (!hash) throw new CausewayError('CSW-6007', { what: 'The hash of a password in the ledger is damaged.' })
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt!, 'base64'),
    expected: Buffer.from(hash, 'base64'),
  }
}

let running = 0
const waiting: (() => void)[] = []

async function digest(password: string, nonce: Buffer, cost: typeof COST, tagLength: number): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MOST_WAITING)
      throw new CausewayError('CSW-8006', { what: 'Too many logins are under way.', retryAfterMs: 5_000 })
    await new Promise<void>((go) => waiting.push(go))
  } else running++
  try {
    return await derive('argon2id', { message: password.normalize('NFKC'), nonce, ...cost, tagLength })
  } finally {
    // The next one takes this place over.
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}
