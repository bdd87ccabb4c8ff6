import { type Finding, isObject, type JsonObject, type Place, type YamlFile } from '../core/index.ts'
import type { Fill } from './fill.ts'
import { parseReference, type SecretReference } from './secrets.ts'

const ALERT_KINDS = ['problem', 'late', 'authorisation'] as const
export type AlertKind = (typeof ALERT_KINDS)[number]

/** Where people are told what is wrong, as the hub file asks for it. */
export type AlertRoute = {
  name: string
  target:
    | { kind: 'webhook'; url: string; signingKey: SecretReference }
    | { kind: 'slack' | 'teams'; url: SecretReference }
    | { kind: 'email'; smtp: SmtpServer; from: string; to: readonly string[] }
  /** Exceptions to the rules of addresses, as of a connection. */
  allow: readonly string[]
  tell: readonly AlertKind[]
  /** `warning`: also what the hub still tries, or waits for, by itself. */
  severity: 'error' | 'warning'
  /** Names that it keeps to; none: all. */
  syncs: readonly string[]
  connections: readonly string[]
  placeOf(path?: readonly (string | number)[]): Place
}

export type SmtpServer = {
  host: string
  port: number
  /** `tls` from the first byte, `starttls` before anything is said, `none` where the way is trusted. */
  security: 'tls' | 'starttls' | 'none'
  login: { user: string; password: SecretReference } | null
}

const SECRETS_OF: Record<AlertRoute['target']['kind'], string> = {
  webhook: 'signing_key',
  slack: 'url',
  teams: 'url',
  email: 'password',
}
const names = (description: string) => ({ description, type: 'array', items: { type: 'string', minLength: 1 } })

/** JSON Schema of one entry of `alerts:`. What each kind needs is checked in code. */
export const alertsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['kind'],
  properties: {
    kind: {
      description: '`webhook`: signed by Standard Webhooks. `slack`, `teams`: a webhook of a channel. `email`.',
      enum: ['webhook', 'slack', 'teams', 'email'],
    },
    url: { description: 'Address of a `webhook`; that of a channel is a secret.', type: 'string', minLength: 1 },
    smtp: {
      description: 'Server that takes the mail.',
      type: 'object',
      additionalProperties: false,
      required: ['host'],
      properties: {
        host: { description: 'Name or address of the mail server.', type: 'string', minLength: 1 },
        port: { description: '465 with `tls`, 587 otherwise.', type: 'integer', minimum: 1, maximum: 65_535 },
        security: {
          description: '`starttls` (default), `tls` from the first byte, or `none`, which takes no login.',
          enum: ['starttls', 'tls', 'none'],
        },
        user: { description: 'Logs in; the password is under `secrets`.', type: 'string', minLength: 1 },
      },
    },
    from: { description: 'Sender of a mail.', type: 'string', pattern: '^[^\\s@]+@[^\\s@]+$' },
    to: { ...names('Who gets the mail.'), minItems: 1, maxItems: 50 },
    secrets: {
      description: 'Where each secret is to be found: `signing_key` of a webhook, `url` of a channel, `password`.',
      type: 'object',
      additionalProperties: false,
      properties: {
        signing_key: {
          description: 'Signs what goes to a `webhook`: `whsec_` and 24 to 64 bytes in base64.',
          type: 'string',
        },
        url: { description: 'Address that Slack or Teams gave the channel.', type: 'string' },
        password: { description: 'Of the user who logs in at the mail server.', type: 'string' },
      },
    },
    allow: names('Hosts or addresses inside private networks that may be dialled.'),
    tell: {
      description:
        'All of it unless told: `problem`, `late` (a sync whose time came and nothing began), `authorisation` (a connection needs a person).',
      type: 'array',
      minItems: 1,
      items: { enum: ALERT_KINDS },
    },
    severity: {
      description: '`error` (default): what needs a person. `warning`: also what the hub still tries by itself.',
      enum: ['error', 'warning'],
    },
    syncs: names('Only what touches one of these syncs.'),
    connections: names('Only what touches one of these connections.'),
  },
} as const

const NAME = /^[a-z][a-z0-9_-]{0,40}$/

/** Reads the entries of `alerts:`; what is not sound is left out, with the findings that say why. */
export function readAlerts(yaml: YamlFile, raw: unknown, fill: Fill): { routes: AlertRoute[]; findings: Finding[] } {
  const findings: Finding[] = []
  const routes = Object.entries(isObject(raw) ? raw : {}).flatMap(([name, entry]) => {
    const reader = new RouteReader(yaml, name, isObject(entry) ? entry : {}, fill)
    const route = reader.read()
    findings.push(...reader.findings)
    return route && !reader.findings.some(({ severity }) => severity === 'error') ? [route] : []
  })
  return { routes, findings }
}

class RouteReader {
  readonly findings: Finding[] = []
  readonly #yaml: YamlFile
  readonly #name: string
  readonly #raw: JsonObject
  readonly #fill: Fill

  constructor(yaml: YamlFile, name: string, raw: JsonObject, fill: Fill) {
    this.#yaml = yaml
    this.#name = name
    this.#raw = raw
    this.#fill = fill
  }

  read(): AlertRoute | null {
    if (!NAME.test(this.#name))
      this.#say([], 'is not a name for a route', 'Use lower-case letters, digits, "-" and "_", at most 41.')
    const target = this.#target()
    const raw = this.#raw
    if (!target) return null
    return {
      name: this.#name,
      target,
      allow: texts(this.#filled(raw.allow, 'allow')),
      tell: ALERT_KINDS.filter((kind) => !Array.isArray(raw.tell) || raw.tell.includes(kind)),
      severity: raw.severity === 'warning' ? 'warning' : 'error',
      syncs: texts(raw.syncs),
      connections: texts(raw.connections),
      placeOf: (path = []) => this.#placeOf(path),
    }
  }

  #target(): AlertRoute['target'] | null {
    const { kind } = this.#raw
    if (kind !== 'webhook' && kind !== 'slack' && kind !== 'teams' && kind !== 'email') return null
    this.#refuseStrange(kind)
    if (kind === 'email') return this.#email()
    const secret = this.#secret(SECRETS_OF[kind])
    if (kind !== 'webhook') return secret && { kind, url: secret }
    const url = this.#text('url')
    return url !== null && secret ? { kind, url, signingKey: secret } : null
  }

  #email(): AlertRoute['target'] | null {
    const from = this.#text('from')
    const to = texts(this.#filled(this.#raw.to, 'to'))
    if (!to.length) this.#say([], 'lacks "to"', 'Name who gets the mail.')
    for (const address of to)
      if (!/^[^\s@]+@[^\s@]+$/.test(address))
        this.#say(['to'], 'one entry is not an address', 'Write name@example.com.')
    const smtp = this.#filled(this.#raw.smtp, 'smtp')
    if (!isObject(smtp) || typeof smtp.host !== 'string') {
      this.#say([], 'lacks "smtp"', 'Name the server: smtp: { host: mail.example.com }.')
      return null
    }
    const security = smtp.security === 'tls' || smtp.security === 'none' ? smtp.security : 'starttls'
    const user = typeof smtp.user === 'string' ? smtp.user : null
    if (user !== null && security === 'none')
      this.#say(
        ['smtp', 'user'],
        'a password would go over the wire in the clear',
        'Use `security: starttls` or `tls`.',
      )
    const password = user === null ? null : this.#secret('password')
    return from === null
      ? null
      : {
          kind: 'email',
          smtp: {
            host: smtp.host,
            port: typeof smtp.port === 'number' ? smtp.port : security === 'tls' ? 465 : 587,
            security,
            login: user !== null && password ? { user, password } : null,
          },
          from,
          to,
        }
  }

  /** What a route of this kind has no use for is most likely a mistake about the kind. */
  #refuseStrange(kind: AlertRoute['target']['kind']): void {
    const own = { webhook: ['url'], slack: [], teams: [], email: ['smtp', 'from', 'to'] }[kind] as string[]
    for (const key of ['url', 'smtp', 'from', 'to'])
      if (Object.hasOwn(this.#raw, key) && !own.includes(key))
        this.#say([key], `a route of kind ${kind} has no "${key}"`, 'Take it out, or choose another kind.')
    const { secrets } = this.#raw
    for (const field of Object.keys(isObject(secrets) ? secrets : {}))
      if (field !== SECRETS_OF[kind])
        this.#say(
          ['secrets', field],
          `a route of kind ${kind} has no secret "${field}"`,
          `It has "${SECRETS_OF[kind]}".`,
        )
  }

  #text(key: 'url' | 'from'): string | null {
    const value = this.#filled(this.#raw[key], key)
    if (typeof value === 'string') return value
    this.#say([], `lacks "${key}"`, key === 'url' ? 'Name the address to send to.' : 'Name the sender of the mail.')
    return null
  }

  #filled(value: unknown, key: string): unknown {
    const { value: filled, findings } = this.#fill(value, ['alerts', this.#name, key])
    this.findings.push(...findings)
    return filled
  }

  #secret(field: string): SecretReference | null {
    const secrets: JsonObject = isObject(this.#raw.secrets) ? this.#raw.secrets : {}
    const text = secrets[field]
    const place = this.#placeOf(typeof text === 'string' ? ['secrets', field] : [])
    const reference = typeof text === 'string' ? parseReference(text) : null
    if (reference) return { connection: secretHolder(this.#name), field, ...reference, place }
    const variable = `ALERT_${this.#name}_${field}`.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
    this.#say(
      typeof text === 'string' ? ['secrets', field] : [],
      typeof text === 'string'
        ? 'a secret must not stand in the file; give a reference to it'
        : `lacks "${field}" under "secrets"`,
      `Put the value into an environment variable and write secrets: { ${field}: "env:${variable}" }.`,
    )
    return null
  }

  #placeOf(path: readonly (string | number)[]): Place {
    return this.#yaml.placeOf(['alerts', this.#name, ...path])
  }

  #say(path: readonly (string | number)[], message: string, fix: string): void {
    this.findings.push({
      severity: 'error',
      code: 'CSW-1005',
      message: `${['alerts', this.#name, ...path].join('.')}: ${message}`,
      fix,
      place: this.#placeOf(path),
    })
  }
}

/** The secret of a route; null for mail without a login. */
export function secretOfRoute({ target }: AlertRoute): SecretReference | null {
  if (target.kind === 'email') return target.smtp.login?.password ?? null
  return target.kind === 'webhook' ? target.signingKey : target.url
}

/** Under which name the ledger keeps the secrets of a route; no connection can be called like this. */
const secretHolder = (route: string): string => `alerts.${route}`

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
