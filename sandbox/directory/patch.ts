import { Refusal } from '../http/index.ts'
import { refuseWrong, type ScimUser } from './user.ts'

type Operation = { op?: string; path?: string; value?: unknown }

/**
 * Applies a PatchOp. Operations without a path carry an object of attributes; a path names one attribute or `name.givenName`.
 * Paths with a value filter are refused: this directory does not know them.
 */
export function applyOperations(user: ScimUser, body: Record<string, unknown>): ScimUser {
  const operations = body.Operations as Operation[]
  if (!Array.isArray(operations)) throw new Refusal(400, 'invalidValue', 'Operations must be a list')
  let result = user
  for (const { op = '', path, value } of operations) {
    const attributes = path === undefined ? { ...(value as Record<string, unknown>) } : atPath(result, path, value, op)
    if (!['add', 'replace', 'remove'].includes(op.toLowerCase()))
      throw new Refusal(400, 'invalidValue', `There is no operation ${op}`)
    refuseWrong(attributes, 'part')
    result = { ...result, ...attributes }
  }
  return result
}

function atPath(user: ScimUser, path: string, value: unknown, op: string): Record<string, unknown> {
  const [, attribute = '', sub] = /^(\w+)(?:\.(\w+))?$/.exec(path) ?? []
  if (attribute === '') throw new Refusal(400, 'invalidPath', `${path} is not a path this directory knows`)
  const given = op.toLowerCase() === 'remove' ? null : value
  if (sub === undefined) return { [attribute]: given }
  return { [attribute]: { ...(user[attribute] as object | null), [sub]: given } }
}
