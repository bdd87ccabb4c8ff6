/** Checks that a webhook comes from whom it says: over the raw bytes, in constant time, without side effect. */
import {
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  randomUUID,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { CausewayError, digest } from '../../core/index.ts'
import {
  asText,
  choice,
  type Expression,
  expression,
  integer,
  list,
  type PartFinding,
  part,
  type Scope,
  type Template,
  template,
  text,
  variant,
} from '../language/index.ts'
import { millisecondsOf, sortableTimestamp } from './timestamps.ts'

const HEADERS = ['headers', 'settings', 'parts'] as const
const SIGNED = ['body', 'method', 'url', 'query', ...HEADERS] as const
const secrets = list(template({ sense: 'A secret.', names: ['settings', 'subscription'] }), {
  sense:
    'Secrets that are valid now: of the settings, or of the webhooks the hub ordered (`subscription.secret`). Several while one is being changed; one without value is left out.',
  required: true,
})
const timestamp = expression({
  sense: 'When it was sent: seconds or milliseconds since 1970, or a date.',
  names: HEADERS,
  example: 'headers.`x-timestamp`',
})
const tolerance_seconds = integer({
  sense: 'How far that may be from our clock, either way.',
  default: 300,
  minimum: 1,
})

/** Where signatures stand, and over what they are made: for every kind that signs. */
const signedFields = {
  signed: template({
    sense:
      'What is signed. `body` stands for the raw bytes, `url` for the whole public address, `parts` for what stands in the header as `name=value`.',
    names: SIGNED,
    default: `\${ body }`,
    example: `\${ headers.\`webhook-id\` }.\${ headers.\`webhook-timestamp\` }.\${ body }`,
  }),
  header: text({
    sense: 'The header with the signature. With a `*` at the end, every header that begins so: one of them must fit.',
    required: true,
    example: 'X-Signature',
  }),
  separator: text({ sense: 'What stands between several signatures in the header.', example: ',' }),
  prefix: text({ sense: 'What stands before the digest; entries without it are passed over.', example: 'sha256=' }),
  timestamp,
  tolerance_seconds,
}

/** A time that is not signed could have been written by anybody. */
const unprovenTime = ({
  timestamp,
  signed,
}: {
  timestamp?: Expression | undefined
  signed: Template
}): PartFinding[] =>
  timestamp && !signed.names.has('headers') && !signed.names.has('parts')
    ? [
        {
          field: 'timestamp',
          message: 'the time is not part of what is signed, so it proves nothing',
          fix: 'Put the header with the time into `signed`, or remove `timestamp`.',
        },
      ]
    : []

const hmac = part({
  title: 'HMAC',
  sense: 'A keyed digest over the raw bytes, or over a text made with them.',
  fields: {
    algorithm: choice(['sha256', 'sha1', 'sha512'], { sense: 'The digest.', default: 'sha256' }),
    secrets,
    secret_encoding: choice(['text', 'base64', 'hex'], {
      sense: 'How a secret text stands for its bytes.',
      default: 'text',
    }),
    secret_prefix: text({ sense: 'Cut off the secret before it is decoded.', example: 'whsec_' }),
    ...signedFields,
    encoding: choice(['hex', 'base64'], { sense: 'How the digest is written.', default: 'hex' }),
  },
  check: unprovenTime,
  example: `
signature:
  kind: hmac
  secrets: ["\${ settings.webhook_secret }"]
  header: X-Signature
  prefix: sha256=
`,
})
const ed25519 = part({
  title: 'Ed25519',
  sense: 'A signature with a key of the system, checked with its public key.',
  fields: {
    keys: list(template({ sense: 'A public key.', names: ['settings'] }), {
      sense: 'Public keys that are valid now: 32 bytes as `key_encoding` says, or PEM.',
      required: true,
    }),
    key_prefix: text({ sense: 'Cut off the key before it is decoded.', example: 'whpk_' }),
    key_encoding: choice(['base64', 'hex'], { sense: 'How the bytes of a key are written.', default: 'base64' }),
    ...signedFields,
    encoding: choice(['base64', 'hex'], { sense: 'How the signature is written.', default: 'base64' }),
  },
  check: unprovenTime,
  example: `
signature:
  kind: ed25519
  keys: ["\${ settings.key }"]
  key_prefix: whpk_
  signed: "\${ headers.\`webhook-id\` }.\${ headers.\`webhook-timestamp\` }.\${ body }"
  header: webhook-signature
  separator: " "
  prefix: "v1a,"
  timestamp: headers.\`webhook-timestamp\`
`,
})
const token = part({
  title: 'Token',
  sense: 'A shared token that is compared; proves less than a signature, for it is the same every time.',
  fields: {
    secrets,
    header: text({ sense: 'The header with the token.', example: 'X-Token' }),
    value: expression({
      sense: 'Where it stands otherwise; of a list, every one must fit.',
      names: ['event', 'query', 'headers', 'settings'],
      example: 'event.clientState',
    }),
  },
  check: ({ header, value }) =>
    header || value ? [] : [{ message: 'nothing says where the token stands', fix: 'Add `header` or `value`.' }],
  example: `signature: { kind: token, header: X-Token, secrets: ["\${ settings.webhook_token }"] }`,
})
const basic = part({
  title: 'HTTP Basic',
  sense: 'User and password that were chosen when the webhook was set up.',
  fields: {
    user: template({ sense: 'The user.', names: ['settings'], required: true }),
    password: template({ sense: 'The password.', names: ['settings'], required: true }),
  },
  example: `signature: { kind: basic, user: causeway, password: "\${ settings.webhook_password }" }`,
})
const none = part({
  title: 'No signature',
  sense: 'Anybody who knows the address can send events. Said openly, and shown as a warning.',
  fields: {},
  example: 'signature: { kind: none }',
})

export const signatureField = variant(
  'kind',
  { hmac, ed25519, token, basic, none },
  {
    sense: 'How a webhook proves where it comes from.',
    required: true,
  },
)
export type SignatureSpec = NonNullable<(typeof signatureField)['type']>

export type Delivery = { body: Buffer; at: Date; scope: Scope & { headers: Record<string, string>; settings: unknown } }

/** The refusal of a delivery, or null when it is genuine. The refusal says what is wrong, for our log only. */
export function verifySignature(spec: SignatureSpec, delivery: Delivery): CausewayError | null {
  switch (spec.kind) {
    case 'hmac':
      return verifySigned(spec, delivery, fittingHmac)
    case 'ed25519':
      return verifySigned(spec, delivery, fittingKey)
    case 'token': {
      const given = spec.header
        ? delivery.scope.headers[spec.header.toLowerCase()]
        : spec.value?.evaluate(delivery.scope)
      const tokens = Array.isArray(given) && given.length > 0 ? given : [given]
      const secrets = secretsOf(spec.secrets, delivery)
      const valid = tokens.map((one) => secrets.map((secret) => sameText(secret, asText(one ?? ''))).includes(true))
      return valid.includes(false) ? refusal('its token is wrong or missing') : null
    }
    case 'basic': {
      const wanted = `${spec.user.evaluate(delivery.scope)}:${spec.password.evaluate(delivery.scope)}`
      const given = /^Basic\s+(.+)$/i.exec(delivery.scope.headers.authorization ?? '')?.[1] ?? ''
      const password = spec.password.evaluate(delivery.scope)
      const same = sameText(wanted, Buffer.from(given, 'base64').toString('utf8'))
      return same && password ? null : refusal('its user or password is wrong')
    }
    default:
      return null
  }
}

/** Headers that hold credentials whatever the connection says of its own. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])

/** A shorter text stands in others by chance. */
const SHORT = 8

/** The headers that may be kept with an event: a shared secret that came with it is in no table. */
export function keptHeaders(spec: SignatureSpec, delivery: Delivery): Record<string, string> {
  const secrets = spec.kind === 'token' ? secretsOf(spec.secrets, delivery) : []
  const shows = (value: string, secret: string): boolean =>
    secret.length < SHORT ? value === secret : value.includes(secret)
  return Object.fromEntries(
    Object.entries(delivery.scope.headers).filter(
      ([name, value]) => !CREDENTIALS.has(name) && !secrets.some((secret) => shows(value, secret)),
    ),
  )
}

type Hmac = Extract<SignatureSpec, { kind: 'hmac' }>
type Ed25519 = Extract<SignatureSpec, { kind: 'ed25519' }>
type Signed = Hmac | Ed25519
/** Whether one of the signatures fits, or why that cannot be told. */
type Fitting<S> = (spec: S, delivery: Delivery, signed: Buffer, given: Buffer[]) => boolean | string

function verifySigned<S extends Signed>(spec: S, delivery: Delivery, fitting: Fitting<S>): CausewayError | null {
  const headers = headersNamed(spec.header, delivery.scope.headers)
  if (headers.length === 0) return refusal(`the header ${spec.header} is missing`)
  const scope = { ...delivery.scope, parts: partsOf(headers[0]!, spec.separator ?? ',') }
  const signed = signedBytes(spec.signed, { ...delivery, scope })
  if (!signed) return refusal('a header that is part of the signed text is missing')
  const given = headers.flatMap((header) => signaturesIn(spec, header))
  const fits = fitting(spec, delivery, signed, given)
  if (fits !== true) return refusal(fits === false ? 'its signature is wrong' : fits)
  return spec.timestamp ? staleness(spec, { ...delivery, scope }) : null
}

const fittingHmac: Fitting<Hmac> = (spec, delivery, signed, given) => {
  const keys = secretsOf(spec.secrets, delivery).map((secret) => keyOf(spec, secret))
  if (keys.length === 0) return 'the connection has no webhook secret'
  if (!keys.every((key) => key !== null))
    return `a webhook secret of the connection is not written in ${spec.secret_encoding}`
  // Every pair is compared, so that the time taken tells nothing about which one fits.
  const fits = keys.flatMap((key) => {
    const expected = createHmac(spec.algorithm, key).update(signed).digest()
    return given.map((one) => one.length === expected.length && timingSafeEqual(one, expected))
  })
  return fits.includes(true)
}

const fittingKey: Fitting<Ed25519> = (spec, delivery, signed, given) => {
  const keys = secretsOf(spec.keys, delivery).map((key) => publicKeyOf(spec, key))
  if (keys.length === 0) return 'the connection has no public key for webhooks'
  if (keys.includes(null)) return 'a public key of the connection is no ed25519 key'
  return keys.some((key) => given.some((one) => one.length === 64 && verify(null, signed, key!, one)))
}

/** What DER says before the 32 bytes of an ed25519 key (RFC 8410). */
const DER_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

function publicKeyOf({ key_prefix, key_encoding }: Ed25519, text: string): KeyObject | null {
  const bare = key_prefix && text.startsWith(key_prefix) ? text.slice(key_prefix.length) : text
  try {
    const key = bare.includes('-----BEGIN')
      ? createPublicKey(bare.replaceAll('\\n', '\n'))
      : createPublicKey({
          key: Buffer.concat([DER_HEAD, Buffer.from(bare, key_encoding)]),
          format: 'der',
          type: 'spki',
        })
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}

/** The values of the header of that name, or of all headers that begin so. */
function headersNamed(name: string, headers: Record<string, string>): string[] {
  const wanted = name.toLowerCase()
  if (!wanted.endsWith('*')) return headers[wanted] ? [headers[wanted]] : []
  const start = wanted.slice(0, -1)
  return Object.entries(headers).flatMap(([header, value]) => (header.startsWith(start) && value ? [value] : []))
}

/** `t=1,v1=abc` by name; of several of one name, the first. */
function partsOf(header: string, separator: string): Record<string, string> {
  const parts: Record<string, string> = {}
  for (const entry of header.split(separator)) {
    const at = entry.indexOf('=')
    const name = entry.slice(0, Math.max(at, 0)).trim()
    if (at > 0 && !Object.hasOwn(parts, name) && name !== '__proto__') parts[name] = entry.slice(at + 1).trim()
  }
  return parts
}

/** Only after the signature: a time that anybody could have written proves nothing. */
function staleness(spec: Signed, { scope, at }: Delivery): CausewayError | null {
  const sent = sortableTimestamp(spec.timestamp!.evaluate(scope))
  if (sent === null) return refusal('it does not say when it was sent')
  const seconds = Math.abs(at.getTime() - millisecondsOf(sent)) / 1000
  return seconds <= spec.tolerance_seconds ? null : refusal(`it was sent ${Math.round(seconds)} s away from now`)
}

/** Stands for the body while the signed text is made. Leaves the process in no way, so nobody can write it into a header. */
const BODY_MARK = randomUUID()

/** The signed text with the raw bytes in it: never decoded, so bytes that are no UTF-8 count as they came. */
function signedBytes(signed: Template, { body, scope }: Delivery): Buffer | null {
  const value = signed.evaluate({ ...scope, body: BODY_MARK })
  if (value === undefined || value === null) return null
  const pieces = asText(value).split(BODY_MARK)
  return Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [Buffer.from(piece)] : [body, Buffer.from(piece)])))
}

const MAX_KEYS = 50
const keys = new WeakMap<Hmac, Map<string, KeyObject>>()

function signaturesIn(spec: Signed, header: string): Buffer[] {
  const entries = spec.separator === undefined ? [header] : header.split(spec.separator)
  return entries
    .map((entry) => entry.trim())
    .filter((entry) => spec.prefix === undefined || entry.startsWith(spec.prefix))
    .map((entry) => Buffer.from(entry.slice(spec.prefix?.length ?? 0), spec.encoding))
}

/** Made once: importing a key takes three times as long as signing 2 kB with it. */
function keyOf(spec: Hmac, secret: string): KeyObject | null {
  const known = keys.get(spec)?.get(secret)
  if (known) return known
  const bare =
    spec.secret_prefix && secret.startsWith(spec.secret_prefix) ? secret.slice(spec.secret_prefix.length) : secret
  const encoding = spec.secret_encoding === 'text' ? 'utf8' : spec.secret_encoding
  const bytes = Buffer.from(bare, encoding)
  // Node reads hex up to the first wrong digit: of other text nothing is left, and anybody can sign with nothing.
  if (bytes.length === 0 || (encoding === 'hex' && bytes.length * 2 !== bare.length)) return null
  const key = createSecretKey(bytes)
  const ofSpec = keys.get(spec) ?? new Map<string, KeyObject>()
  // Secrets are rotated now and then; the former ones need not stay for ever.
  if (ofSpec.size >= MAX_KEYS) ofSpec.clear()
  keys.set(spec, ofSpec.set(secret, key))
  return key
}

const secretsOf = (templates: Template[], { scope }: Delivery): string[] =>
  templates.flatMap((one) => {
    const subscriptions = one.names.has('subscription') ? ((scope.subscriptions as object[] | undefined) ?? []) : [null]
    return subscriptions.flatMap((subscription) => {
      const value = one.evaluate({ ...scope, subscription })
      return value === undefined || value === null || value === '' ? [] : [asText(value)]
    })
  })

/** Compares digests, so that neither content nor length shows in the time taken. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(digest(a)), Buffer.from(digest(b)))

const refusal = (why: string): CausewayError =>
  new CausewayError('CSW-2010', { what: `A webhook was refused: ${why}.` })
