/**
 * What people and programs may do. A route names the scope it needs; a role has the scopes of its own and of all roles before it.
 * This table feeds authorisation, the OpenAPI document, docs/operate/access.md and the test over all routes.
 */
export const ROLES = ['viewer', 'operator', 'editor', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Scope → the least role that has it, and what it lets do. */
export const SCOPES = {
  'hub:read': {
    role: 'viewer',
    allows: 'see the state of the hub: problems, queues, connections, streams, syncs, runs',
  },
  'records:read': { role: 'viewer', allows: 'see records, dead letters and webhook events with their bodies' },
  'metrics:read': { role: 'viewer', allows: 'read `/metrics`' },
  'syncs:operate': { role: 'operator', allows: 'run, pause and resume syncs and connections, test connections' },
  'alerts:operate': { role: 'operator', allows: 'test and snooze alert routes, snooze what is wrong' },
  'letters:operate': {
    role: 'operator',
    allows: 'requeue, assign and discard dead letters (the answer shows the letter), replay webhook events',
  },
  'plans:make': {
    role: 'operator',
    allows: 'make plans, verifications and comparisons, which write nothing and show values of records',
  },
  'records:write': {
    role: 'editor',
    allows: 'decide what is written: correct records, apply plans, undo runs, approve deletions, accept drifts',
  },
  'records:reveal': { role: 'editor', allows: 'see values of entities that are masked' },
  'entities:decide': { role: 'editor', allows: 'decide which records are the same: reviews, merges, splits, imports' },
  'configuration:read': {
    role: 'editor',
    allows: 'read the files of the configuration, with addresses and accounts, as they stood in each version',
  },
  'configuration:apply': {
    role: 'editor',
    allows: 'make the hub work with its files as they are now, and write those of a former version back',
  },
  'connections:authorise': {
    role: 'editor',
    allows: 'allow a connection at its system (OAuth 2.0), give the hub secrets to keep for it',
  },
  'persons:erase': { role: 'admin', allows: 'erase a person' },
  'audit:read': { role: 'admin', allows: 'read and verify the audit' },
  'support:read': { role: 'admin', allows: 'read what goes into a support bundle' },
  'secrets:rotate': { role: 'admin', allows: 'change the key that seals stored secrets' },
  'access:manage': { role: 'admin', allows: 'manage users and tokens' },
} as const satisfies Record<string, { role: Role; allows: string }>

export type Scope = keyof typeof SCOPES
export const SCOPE_NAMES = Object.keys(SCOPES) as Scope[]

/** What a route needs: nothing at all, any identity, or a scope. */
export type Access = 'public' | 'signed-in' | Scope

export const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text)

/** The scopes of a role; `only` narrows them and never adds one. Names that this version does not know give nothing. */
export function scopesOf(role: string, only: readonly string[] | null = null): ReadonlySet<Scope> {
  const rank = (ROLES as readonly string[]).indexOf(role)
  return new Set(
    SCOPE_NAMES.filter((scope) => ROLES.indexOf(SCOPES[scope].role) <= rank && (only === null || only.includes(scope))),
  )
}
