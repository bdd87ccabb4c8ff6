/** Checks that a webhook comes from whom it says: over the raw bytes, in constant time, without side effect. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { CausewayError, digest } from '../../core/index.ts'
import {
  asText,
  choice,
  expression,
  integer,
  list,
  part,
  type Scope,
  type Template,
  template,
  text,
  variant,
} from '../language/index.ts'
import { millisecondsOf, sortableTimestamp } from './timestamps.ts'

const HEADERS = ['headers', 'settings'] as const
const secrets = list(template({ sense: 'A secret.', names: ['settings'] }), {
  sense: 'Secrets that are valid now. Several while one is being changed; one without value is left out.',
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
    signed: template({
      sense: 'What is signed. `body` stands for the raw bytes.',
      names: ['body', ...HEADERS, 'query'],
      default: `\${ body }`,
      example: `\${ headers.\`webhook-id\` }.\${ headers.\`webhook-timestamp\` }.\${ body }`,
    }),
    header: text({ sense: 'The header with the signature.', required: true, example: 'X-Signature' }),
    separator: text({ sense: 'What stands between several signatures in the header.', example: ',' }),
    prefix: text({ sense: 'What stands before the digest; entries without it are passed over.', example: 'sha256=' }),
    encoding: choice(['hex', 'base64'], { sense: 'How the digest is written.', default: 'hex' }),
    timestamp,
    tolerance_seconds,
  },
  check: ({ timestamp, signed }) =>
    timestamp && !signed.names.has('headers')
      ? [
          {
            field: 'timestamp',
            message: 'the time is not part of what is signed, so it proves nothing',
            fix: 'Put the header with the time into `signed`, or remove `timestamp`.',
          },
        ]
      : [],
  example: `
signature:
  kind: hmac
  secrets: ["\${ settings.webhook_secret }"]
  header: X-Signature
  prefix: sha256=
`,
})
const token = part({
  title: 'Token',
  sense: 'A shared token that is compared; proves less than a signature, for it is the same every time.',
  fields: {
    secrets,
    header: text({ sense: 'The header with the token.', example: 'X-Token' }),
    value: expression({
      sense: 'Where it stands otherwise.',
      names: ['event', 'query', ...HEADERS],
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
  { hmac, token, basic, none },
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
      return verifyHmac(spec, delivery)
    case 'token': {
      const given = spec.header
        ? delivery.scope.headers[spec.header.toLowerCase()]
        : spec.value?.evaluate(delivery.scope)
      const valid = secretsOf(spec.secrets, delivery).map((secret) => sameText(secret, asText(given ?? '')))
      return valid.includes(true) ? null : refusal('its token is wrong or missing')
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

type Hmac = Extract<SignatureSpec, { kind: 'hmac' }>

function verifyHmac(spec: Hmac, delivery: Delivery): CausewayError | null {
  const signed = signedBytes(spec.signed, delivery)
  if (!signed) return refusal('a header that is part of the signed text is missing')
  const header = delivery.scope.headers[spec.header.toLowerCase()]
  if (!header) return refusal(`the header ${spec.header} is missing`)
  const given = signaturesIn(spec, header)
  const keys = secretsOf(spec.secrets, delivery).map((secret) => keyOf(spec, secret))
  if (keys.length === 0) return refusal('the connection has no webhook secret')
  // Every pair is compared, so that the time taken tells nothing about which one fits.
  const fits = keys.flatMap((key) => {
    const expected = createHmac(spec.algorithm, key).update(signed).digest()
    return given.map((one) => one.length === expected.length && timingSafeEqual(one, expected))
  })
  if (!fits.includes(true)) return refusal('its signature is wrong')
  return spec.timestamp ? staleness(spec, delivery) : null
}

/** Only after the signature: a time that anybody could have written proves nothing. */
function staleness(spec: Hmac, { scope, at }: Delivery): CausewayError | null {
  const sent = sortableTimestamp(spec.timestamp!.evaluate(scope))
  if (sent === null) return refusal('it does not say when it was sent')
  const seconds = Math.abs(at.getTime() - millisecondsOf(sent)) / 1000
  return seconds <= spec.tolerance_seconds ? null : refusal(`it was sent ${Math.round(seconds)} s away from now`)
}

/** The signed text with the raw bytes in it: never decoded, so bytes that are no UTF-8 count as they came. */
function signedBytes(signed: Template, { body, scope }: Delivery): Buffer | null {
  const mark = randomUUID()
  const value = signed.evaluate({ ...scope, body: mark })
  if (value === undefined || value === null) return null
  const pieces = asText(value).split(mark)
  return Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [Buffer.from(piece)] : [body, Buffer.from(piece)])))
}

function signaturesIn(spec: Hmac, header: string): Buffer[] {
  const entries = spec.separator === undefined ? [header] : header.split(spec.separator)
  return entries
    .map((entry) => entry.trim())
    .filter((entry) => spec.prefix === undefined || entry.startsWith(spec.prefix))
    .map((entry) => Buffer.from(entry.slice(spec.prefix?.length ?? 0), spec.encoding))
}

function keyOf(spec: Hmac, secret: string): Buffer {
  const bare =
    spec.secret_prefix && secret.startsWith(spec.secret_prefix) ? secret.slice(spec.secret_prefix.length) : secret
  return Buffer.from(bare, spec.secret_encoding === 'text' ? 'utf8' : spec.secret_encoding)
}

const secretsOf = (templates: Template[], { scope }: Delivery): string[] =>
  templates.flatMap((one) => {
    const value = one.evaluate(scope)
    return value === undefined || value === null || value === '' ? [] : [asText(value)]
  })

/** Compares digests, so that neither content nor length shows in the time taken. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(digest(a)), Buffer.from(digest(b)))

const refusal = (why: string): CausewayError =>
  new CausewayError('CSW-2010', { what: `A webhook was refused: ${why}.` })
