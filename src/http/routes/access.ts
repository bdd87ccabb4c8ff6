import { Type } from 'typebox'
import type { AccessControl, Identity } from '../../access/index.ts'
import { API, type App } from '../app.ts'
import { notFound } from '../problem.ts'
import {
  MadeToken,
  TOKEN_DAYS,
  Token,
  TokenBody,
  User,
  UserBody,
  UserParams,
  UserPasswordBody,
  UserRoleBody,
} from '../schemas/access.ts'
import { Closed, IdParams, ListOf, ReasonBody } from '../schemas/basics.ts'

const manage = { access: 'access:manage' } as const

const endOf = (wish: string | null | undefined): Date | null => {
  if (wish === null) return null
  return wish === undefined ? new Date(Date.now() + TOKEN_DAYS * 86_400_000) : new Date(wish)
}

/** Users and tokens. */
export function accessRoutes(app: App, { tokens, users }: AccessControl): void {
  app.get(
    `${API}/tokens`,
    {
      config: manage,
      schema: {
        operationId: 'listTokens',
        summary: 'Tokens of programs; the tokens themselves are kept nowhere',
        tags: ['access'],
        response: { 200: ListOf(Token) },
      },
    },
    async () => ({ items: await tokens.list() }),
  )

  app.post(
    `${API}/tokens`,
    {
      config: { ...manage, repeat: 'refused' },
      schema: {
        operationId: 'createToken',
        summary: 'Makes a token and shows it, once',
        tags: ['access'],
        body: TokenBody,
        response: { 200: MadeToken },
      },
    },
    ({ body, caller }) =>
      tokens.create(
        {
          name: body.name,
          role: body.role,
          scopes: body.scopes ?? null,
          expiresAt: endOf(body.expiresAt),
        },
        caller!,
      ),
  )

  app.post(
    `${API}/tokens/:id/revoke`,
    {
      config: manage,
      schema: {
        operationId: 'revokeToken',
        summary: 'Ends a token now',
        tags: ['access'],
        params: IdParams,
        body: ReasonBody,
        response: { 200: Token },
      },
    },
    async ({ params, body, caller }) => {
      const revoked = await tokens.revoke(Number(params.id), caller!, body?.reason)
      if (!revoked) throw notFound(`There is no living token ${params.id}.`)
      return revoked
    },
  )

  app.get(
    `${API}/users`,
    {
      config: manage,
      schema: {
        operationId: 'listUsers',
        summary: 'People who may log in',
        tags: ['access'],
        response: { 200: ListOf(User) },
      },
    },
    async () => ({ items: await users.list() }),
  )

  app.post(
    `${API}/users`,
    {
      config: manage,
      schema: {
        operationId: 'addUser',
        summary: 'Lets a person log in with a password',
        tags: ['access'],
        body: UserBody,
        response: { 200: User },
      },
    },
    ({ body, caller }) => users.add(body, caller!),
  )

  userChanges(app, users)
}

/** Each ends the sessions of the person. */
function userChanges(app: App, users: AccessControl['users']): void {
  const changed = async (name: string, change: Parameters<typeof users.change>[1], caller: Identity | null) => {
    const user = await users.change(name, change, caller!)
    if (!user) throw notFound(`There is no user ${JSON.stringify(name)}.`)
    return user
  }
  const schema = { tags: ['access'], params: UserParams, response: { 200: User } } as const

  app.post(
    `${API}/users/:name/role`,
    {
      config: manage,
      schema: { operationId: 'setUserRole', summary: 'Gives a person another role', ...schema, body: UserRoleBody },
    },
    ({ params, body, caller }) => changed(params.name, { role: body.role }, caller),
  )
  app.post(
    `${API}/users/:name/password`,
    {
      config: manage,
      schema: {
        operationId: 'setUserPassword',
        summary: 'Gives a person another password',
        ...schema,
        body: UserPasswordBody,
      },
    },
    ({ params, body, caller }) => changed(params.name, { password: body.password }, caller),
  )
  for (const [action, disabled, summary] of [
    ['disable', true, 'Lets a person in no more'],
    ['enable', false, 'Lets a person in again'],
  ] as const)
    app.post(
      `${API}/users/:name/${action}`,
      {
        config: manage,
        schema: {
          operationId: `${action}User`,
          summary,
          ...schema,
          body: Closed({ reason: Type.Optional(Type.String()) }),
        },
      },
      ({ params, body, caller }) => changed(params.name, { disabled, reason: body.reason }, caller),
    )
}
