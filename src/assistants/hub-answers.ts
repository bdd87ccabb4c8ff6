/** What tools that write read of the API's answers: these fields are checked, because a hub elsewhere may be of another version. */
import { z } from 'zod'
import { CausewayError, parseExact } from '../core/index.ts'

const state = { state: z.string(), stateSince: z.string().nullable() }
const change = z.looseObject({
  record: z.string(),
  part: z.string(),
  seq: z.unknown(),
  action: z.string(),
  target: z.string().nullable(),
  fingerprint: z.string(),
})

export const sync = z.looseObject({ sync: z.looseObject({ version: z.string(), ...state }) })
export const connection = z.looseObject({ connection: z.looseObject(state) })
export const counted = z.looseObject({ count: z.number(), token: z.string() })
export const undo = z.looseObject({ restored: z.number(), changes: z.unknown(), left: z.unknown() })
export const plan = z.looseObject({ version: z.string(), changes: z.array(change) })
export const applied = z.looseObject({ moved: z.array(z.looseObject({ reason: z.string() })) })
export const hold = z.looseObject({ state: z.string(), records: z.number() })

/** All of an answer as it came, numbers as they are spelled there. Throws CSW-8021 where it is not as `shape` says. */
export function read<T>(json: string, shape: z.ZodType<T>): T {
  const value = parseExact(json)
  const { success, error } = shape.safeParse(value)
  if (success) return value as T
  const where = error.issues.map(({ path }) => path.join('.') || 'the whole').join(', ')
  throw new CausewayError('CSW-8021', { what: `The hub answered otherwise than expected (${where}).` })
}
