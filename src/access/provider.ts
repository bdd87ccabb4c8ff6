import { createHash, createHmac } from 'node:crypto'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client'
import { CausewayError } from '../core/index.ts'
import { createOutbound, type OutboundClient } from '../outbound/index.ts'
import {
  appendAudit,
  insertPendingLogin,
  type LedgerPool,
  saveProviderUser,
  takePendingLogin,
  withTransaction,
} from '../store/index.ts'
import { hashOf, randomSecret } from './identity.ts'
import type { Logins, Opened } from './logins.ts'
import { isRole, ROLES, type Role } from './roles.ts'

/** The `oidc_` settings of a hub that has a provider. */
export type ProviderSettings = {
  issuer: string
  clientId: string
  clientSecret: string | null
  label: string
  scopes: string
  /** Claim that holds the groups of a person, and which group gives which role. */
  roleClaim: string
  roles: string
  /** Private addresses that may be dialled for it, as connections write them. */
  allow: string | null
  publicUrl: string | null
}

const PATIENCE_MINUTES = 10
const RETURN_PATH = '/api/v1/login/provider/return'

/** Logging in through an OpenID provider: authorisation code with PKCE, a state and a nonce that are good for one return. */
export class Provider {
  readonly label: string
  readonly #settings: ProviderSettings
  readonly #redirectUri: string
  readonly #roles: ReadonlyMap<string, Role>
  readonly #pool: LedgerPool
  readonly #logins: Logins
  readonly #client: OutboundClient
  #configuration: Promise<Configuration> | undefined

  /** Throws CSW-1002 for settings that do not fit each other. */
  constructor(pool: LedgerPool, logins: Logins, settings: ProviderSettings) {
    const { publicUrl, clientId, clientSecret, allow } = settings
    if (publicUrl === null)
      throw wrong(
        '`oidc_issuer` needs `public_url`: the provider sends people back to an address that was registered there',
      )
    if (clientId === '') throw wrong('`oidc_issuer` needs `oidc_client_id`')
    this.label = settings.label
    this.#settings = settings
    this.#redirectUri = new URL(publicUrl).origin + RETURN_PATH
    this.#roles = readRoles(settings.roles)
    this.#pool = pool
    this.#logins = logins
    this.#client = createOutbound({
      connection: 'the OpenID provider',
      allow: allow === null ? [] : allow.split(/[\s,]+/).filter(Boolean),
      secrets: clientSecret === null ? [] : [clientSecret],
      maxResponseBytes: 1024 * 1024,
      deadlineMs: 15_000,
    })
  }

  /**
   * Where a person goes to log in. `secret` is for a cookie of their browser alone: the state, the nonce and PKCE's verifier are
   * derived from it, and the ledger keeps only that it may come back once.
   */
  async begin(): Promise<{ url: string; secret: string }> {
    const configuration = await this.#discovered()
    const secret = randomSecret()
    await insertPendingLogin(this.#pool, hashOf(secret), PATIENCE_MINUTES)
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: this.#settings.scopes,
      state: derived(secret, 'state'),
      nonce: derived(secret, 'nonce'),
      code_challenge: await calculatePKCECodeChallenge(derived(secret, 'verifier')),
      code_challenge_method: 'S256',
    })
    return { url: url.href, secret }
  }

  /** Opens a session for whom the provider sent back with `query`. CSW-8014 when it is not the answer to what this browser began. */
  async finish(secret: string | undefined, query: string, address: string): Promise<Opened> {
    if (secret === undefined || !(await takePendingLogin(this.#pool, hashOf(secret))))
      throw new CausewayError('CSW-8014', {
        what: 'This browser began no login that could end here, or it took too long.',
      })
    const claims = await this.#claims(secret, query).catch((cause: unknown) => {
      throw this.#failed(cause)
    })
    const role = this.#roleOf(claims[this.#settings.roleClaim])
    if (role === null) throw await this.#refused(claims.sub, address, 'none of their groups has a role')
    const issuer = this.#settings.issuer
    const user = await withTransaction(this.#pool, async (client) => {
      const { user: saved, before } = await saveProviderUser(client, {
        issuer,
        subject: claims.sub,
        name: claims.name,
        ownName: `${claims.name}#${createHash('sha256').update(claims.sub).digest('hex').slice(0, 8)}`,
        role,
      })
      if (before !== role) {
        const subject = `user:${saved.name}`
        const detail = { issuer, before: before === null ? null : { role: before }, after: { role } }
        await appendAudit(client, {
          actor: subject,
          action: before === null ? 'user.add' : 'user.set_role',
          subject,
          detail,
        })
      }
      return saved
    })
    if (user.disabledAt !== null) throw await this.#refused(claims.sub, address, 'they are disabled')
    return this.#logins.open({ ...user, password: null }, { by: issuer, address })
  }

  close(): void {
    this.#client.close()
  }

  /** What the provider says of a person: in the ID token, and where the groups are not in there, at its endpoint for that. */
  async #claims(secret: string, query: string): Promise<Record<string, unknown> & { sub: string; name: string }> {
    const configuration = await this.#discovered()
    const tokens = await authorizationCodeGrant(configuration, new URL(`${this.#redirectUri}?${query}`), {
      pkceCodeVerifier: derived(secret, 'verifier'),
      expectedState: derived(secret, 'state'),
      expectedNonce: derived(secret, 'nonce'),
      idTokenExpected: true,
    })
    const inToken = tokens.claims()!
    const asks = inToken[this.#settings.roleClaim] === undefined && configuration.serverMetadata().userinfo_endpoint
    const claims = asks
      ? { ...(await fetchUserInfo(configuration, tokens.access_token, inToken.sub)), sub: inToken.sub }
      : inToken
    return { ...claims, sub: claims.sub, name: nameOf(claims) }
  }

  /** The highest role that a group gives. */
  #roleOf(claim: unknown): Role | null {
    const groups = (Array.isArray(claim) ? claim : [claim]).filter((group) => typeof group === 'string')
    const roles = groups.map((group) => this.#roles.get(group)).filter((role) => role !== undefined)
    return roles.sort((a, b) => ROLES.indexOf(b) - ROLES.indexOf(a))[0] ?? null
  }

  async #refused(sub: string, address: string, why: string): Promise<CausewayError> {
    // The subject is an opaque id of the provider, not a name.
    const detail = { by: this.#settings.issuer, address, why, sub }
    await appendAudit(this.#pool, { actor: 'user:unknown', action: 'login.fail', subject: 'user:unknown', detail })
    return new CausewayError('CSW-8014', { what: `The provider knows the person, but ${why}.` })
  }

  /** Read once it answers; a provider that was away is asked again at the next login. */
  #discovered(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings
    const server = new URL(issuer)
    this.#configuration ??= discovery(
      server,
      clientId,
      undefined,
      clientSecret === null ? None() : ClientSecretPost(clientSecret),
      {
        [customFetch]: throughOutbound(this.#client),
        // Signatures of ID tokens are checked though they come straight from the provider. Plain HTTP is chosen by whoever writes
        // it into the settings, for tests and networks of one's own.
        execute: [enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [allowInsecureRequests] : [])],
      },
    ).catch((cause: unknown) => {
      this.#configuration = undefined
      throw this.#failed(cause)
    })
    return this.#configuration
  }

  #failed(cause: unknown): CausewayError {
    if (cause instanceof CausewayError) return cause
    // openid-client wraps what its fetch threw.
    const inner = (cause as { cause?: unknown }).cause
    if (inner instanceof CausewayError) return inner
    const said = cause instanceof Error ? cause.message : String(cause)
    return new CausewayError('CSW-8014', {
      what: `The login at the provider failed: ${this.#client.redact(said)}.`,
      cause,
    })
  }
}

const derived = (secret: string, use: string): string => createHmac('sha256', secret).update(use).digest('base64url')

/** How the audit calls them. Only what fits there: a provider may let people choose. */
function nameOf(claims: Record<string, unknown>): string {
  const given = [claims.preferred_username, claims.email, claims.sub].find(
    (name) => typeof name === 'string' && name !== '',
  )
  return String(given)
    .replaceAll(/[^A-Za-z0-9._@-]/g, '_')
    .slice(0, 100)
}

/** Every request of openid-client goes out as all others of the hub do: checked addresses, no redirects, limits. */
const throughOutbound =
  (client: OutboundClient): CustomFetch =>
  async (url, { method, headers, body, signal }) => {
    const {
      status,
      headers: said,
      body: text,
    } = await client.request({
      url,
      method,
      headers,
      body: body === undefined || body === null ? null : String(body),
      login: true,
      ...(signal ? { signal } : {}),
    })
    const type = said['content-type']
    return new Response(status === 204 ? null : text, { status, headers: type ? { 'content-type': type } : {} })
  }

/** "causeway-admins=admin, integration=editor". */
function readRoles(text: string): ReadonlyMap<string, Role> {
  const pairs = text.split(',').map((pair) => {
    const at = pair.lastIndexOf('=')
    const [group, role] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    if (at < 1 || group === '' || !isRole(role))
      throw wrong(
        `\`oidc_roles\` has ${JSON.stringify(pair.trim())}, which is not a group and a role (${ROLES.join(', ')})`,
      )
    return [group, role] as const
  })
  return new Map(pairs)
}

const wrong = (what: string): CausewayError =>
  new CausewayError('CSW-1002', { what: `${what}.`, fix: 'See docs/operate/access.md.' })
