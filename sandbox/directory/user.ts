import { check, type Fields } from '../fields/index.ts'
import { type Call, Refusal } from '../http/index.ts'
import type { Row, Table } from '../state/index.ts'

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'

export type ScimUser = Row & {
  id: string
  userName: string
  externalId: string | null
  active: boolean
  created: number
  lastModified: number
  revision: number
}

const ATTRIBUTES: Fields = {
  userName: { type: 'text', required: true, max: 200 },
  externalId: { type: 'text', max: 100 },
  name: { type: 'object' },
  displayName: { type: 'text', max: 200 },
  nickName: { type: 'text', max: 80 },
  title: { type: 'text', max: 120 },
  department: { type: 'text', max: 120 },
  preferredLanguage: { type: 'text', max: 10 },
  active: { type: 'boolean' },
  emails: { type: 'list' },
  phoneNumbers: { type: 'list' },
}

/** The attributes of a user as a client may give them; `schemas`, `id` and `meta` are passed over, as the standard says. */
export function writableUser(body: Record<string, unknown>): Partial<ScimUser> {
  const { schemas: _schemas, id: _id, meta: _meta, ...values } = body
  refuseWrong(values, 'whole')
  return values as Partial<ScimUser>
}

export function refuseWrong(values: Record<string, unknown>, completeness: 'whole' | 'part'): void {
  const problems = check(ATTRIBUTES, values, completeness)
  if (problems.length > 0) throw new Refusal(400, 'invalidValue', problems.map((problem) => problem.message).join('; '))
}

export function needUser(users: Table<ScimUser>, call: Call): ScimUser {
  const user = users.get(call.params.id ?? '')
  if (user === undefined) throw new Refusal(404, 'notFound', `There is no user ${call.params.id}`)
  const expected = call.header('if-match')
  if (expected !== '' && expected !== '*' && expected !== `W/"${user.revision}"`)
    throw new Refusal(412, 'stale', `The user is at version W/"${user.revision}"`)
  return user
}
