import { CausewayError } from '../core/index.ts'
import {
  appendAudit,
  changeUser,
  findUser,
  insertUser,
  type LedgerPool,
  type LedgerSession,
  listUsers,
  type UserRow,
  withTransaction,
} from '../store/index.ts'
import { type Identity, refuseMore } from './identity.ts'
import { hashPassword } from './password.ts'
import { type Role, scopesOf } from './roles.ts'

export type UserChange = { role: Role } | { password: string } | { disabled: boolean; reason?: string | undefined }

/** People who log in. All changes end the sessions of whom they concern, and stand in the audit. */
export class Users {
  readonly #pool: LedgerPool

  constructor(pool: LedgerPool) {
    this.#pool = pool
  }

  list(): Promise<UserRow[]> {
    return listUsers(this.#pool)
  }

  /** CSW-8011 for a role above the giver's, CSW-8008 for a name that is taken. */
  async add(wish: { name: string; role: Role; password: string }, giver: Identity): Promise<UserRow> {
    refuseMore(giver, scopesOf(wish.role))
    const password = await hashPassword(wish.password)
    const made = await withTransaction(this.#pool, async (client) => {
      const user = await insertUser(client, { ...wish, password })
      if (user) await note(client, giver, 'user.add', wish.name, { before: null, after: shown(user) })
      return user
    })
    if (!made) throw new CausewayError('CSW-8008', { what: `There is a user named ${JSON.stringify(wish.name)}.` })
    return made
  }

  /** Undefined when there is no such person. Nobody changes one who may do more. */
  async change(name: string, change: UserChange, giver: Identity): Promise<UserRow | undefined> {
    if ('role' in change) refuseMore(giver, scopesOf(change.role))
    const password = 'password' in change ? await hashPassword(change.password) : undefined
    return withTransaction(this.#pool, async (client) => {
      const before = await findUser(client, name)
      if (!before) return undefined
      refuseMore(giver, scopesOf(before.role))
      if (before.issuer !== null && !('disabled' in change))
        throw new CausewayError('CSW-8008', {
          what: `${name} comes through ${before.issuer}, which says their role and knows their password.`,
        })
      const after = await changeUser(client, before.id, password === undefined ? change : { password })
      const reason = 'disabled' in change && change.reason ? { reason: change.reason } : {}
      await note(client, giver, actionOf(change), name, { before: shown(before), after: shown(after), ...reason })
      return after
    })
  }
}

function actionOf(change: UserChange): string {
  if ('role' in change) return 'user.set_role'
  if ('password' in change) return 'user.set_password'
  return change.disabled ? 'user.disable' : 'user.enable'
}

const shown = ({ role, issuer, disabledAt }: UserRow) => ({ role, issuer, disabled: disabledAt !== null })

const note = (client: LedgerSession, giver: Identity, action: string, name: string, detail: Record<string, unknown>) =>
  appendAudit(client, { actor: giver.actor, action, subject: `user:${name}`, detail })
