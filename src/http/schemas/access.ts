import { type Static, Type } from 'typebox'
import { MIN_PASSWORD, ROLES, type Role, SCOPE_NAMES, type Scope } from '../../access/index.ts'
import { Closed, MaybeText, MaybeTime, Text, Time } from './basics.ts'

const RoleName = Type.Unsafe<Role>({ enum: [...ROLES], description: 'viewer, operator, editor or admin.' })
const ScopeName = Type.Unsafe<Scope>({ enum: SCOPE_NAMES })

/** A name stands in the audit, on command lines and in addresses. */
const Name = (description: string, example: string) =>
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$', description, examples: [example] })

export const Me = Closed({
  name: Type.String(),
  kind: Type.Unsafe<'admin-token' | 'token' | 'user'>({ enum: ['admin-token', 'token', 'user'] }),
  role: RoleName,
  scopes: Type.Array(ScopeName),
  lacks: Type.Array(Closed({ scope: ScopeName, role: RoleName }), {
    description: 'What they may not do, each with the least role that may.',
  }),
  csrf: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Goes with every change by cookie, in the header `x-causeway-csrf`; null for tokens.',
  }),
  expiresAt: MaybeTime,
})
export type Me = Static<typeof Me>

export const LoginBody = Closed({
  name: Type.String({ minLength: 1, maxLength: 200, description: 'User name.', examples: ['ada'] }),
  password: Type.String({ minLength: 1, maxLength: 1_000, description: 'Their password.' }),
})

export const LoginMethods = Closed({
  password: Type.Boolean(),
  provider: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'What the OpenID provider is called, where there is one; `GET /api/v1/login/provider` goes there.',
  }),
})

export const Token = Closed({
  id: Type.Integer(),
  name: Type.String(),
  prefix: Type.String({ description: 'How the token begins.' }),
  role: Type.String(),
  scopes: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'What of its role it may do; null is all of it.',
  }),
  createdBy: Type.String(),
  createdAt: Time,
  expiresAt: MaybeTime,
  lastUsedAt: MaybeTime,
  revokedAt: MaybeTime,
})
/** Of a token that says nothing of its end, so that one that was forgotten is not good for ever. */
export const TOKEN_DAYS = 90

export const MadeToken = Closed({
  ...Token.properties,
  secret: Type.String({ description: 'The token. It is shown now and never again.' }),
})
export const TokenBody = Closed({
  name: Name('What it is for; the audit names it.', 'ci'),
  role: RoleName,
  scopes: Type.Optional(Type.Array(ScopeName, { minItems: 1, description: 'Less than all of the role.' })),
  expiresAt: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: `When it ends: in ${TOKEN_DAYS} days unless told, null for never.`,
      examples: ['2027-01-31T08:00:00Z'],
    }),
  ),
})

export const User = Closed({
  id: Type.Integer(),
  name: Type.String(),
  role: Type.String(),
  issuer: MaybeText,
  createdAt: Time,
  disabledAt: MaybeTime,
  lastLoginAt: MaybeTime,
})
const Password = Type.String({ minLength: MIN_PASSWORD, maxLength: 1_000, description: 'Kept as an argon2id hash.' })
export const UserBody = Closed({ name: Name('With which they log in.', 'ada'), role: RoleName, password: Password })
export const UserRoleBody = Closed({ role: RoleName })
export const UserPasswordBody = Closed({ password: Password })
export const UserParams = Closed({ name: Text('Name of the user.', 'ada') })
