/** Signed statements about ourselves (JWT, RFC 7519) for systems that take them instead of a password. */
import { constants, createHmac, createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { CausewayError, isObject, type JsonObject } from '../../core/index.ts'
import {
  asText,
  choice,
  data,
  type Expression,
  integer,
  part,
  type Scope,
  type Template,
  template,
  type ValueOf,
} from '../language/index.ts'

const SETTINGS = ['settings'] as const

export const jwtPart = part({
  title: 'JWT',
  sense: 'A statement that is signed with a key of ours, fresh for each token request.',
  fields: {
    algorithm: choice(['RS256', 'PS256', 'ES256', 'HS256'], { sense: 'How it is signed.', default: 'RS256' }),
    key: template({
      sense: 'The private key as PEM (line breaks may be written `\\n`); for HS256 the shared secret.',
      names: SETTINGS,
      required: true,
      example: `\${ settings.private_key }`,
    }),
    key_id: template({ sense: 'Header `kid`.', names: SETTINGS }),
    issuer: template({ sense: 'Claim `iss`.', names: SETTINGS, required: true, example: `\${ settings.client_id }` }),
    subject: template({ sense: 'Claim `sub`.', names: SETTINGS }),
    audience: template({ sense: 'Claim `aud`; without it, the address of the token request.', names: SETTINGS }),
    lifetime_seconds: integer({ sense: 'How long it may be used.', default: 180, minimum: 10, maximum: 3600 }),
    claims: data({ sense: 'Further claims.', names: SETTINGS, example: { scope: 'read' } }),
    header: data({ sense: 'Further members of the header.', names: SETTINGS, example: { x5t: 'abc' } }),
  },
  example: `
auth:
  kind: oauth2
  grant: jwt_bearer
  token_url: \${ settings.url }/oauth/token
  client_auth: none
  jwt: { key: "\${ settings.key }", issuer: "\${ settings.user }", subject: "\${ settings.email }" }
`,
})
export type JwtSpec = ValueOf<typeof jwtPart>

/** A signed JWT for a token request to `audience`. */
export function signedJwt(spec: JwtSpec, scope: Scope, audience: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000)
  const header = { alg: spec.algorithm, typ: 'JWT', kid: textOf(spec.key_id, scope), ...objectOf(spec.header, scope) }
  const claims = {
    iss: textOf(spec.issuer, scope),
    sub: textOf(spec.subject, scope),
    aud: textOf(spec.audience, scope) ?? audience,
    iat: seconds,
    exp: seconds + spec.lifetime_seconds,
    jti: randomUUID(),
    ...objectOf(spec.claims, scope),
  }
  const signed = `${base64url(header)}.${base64url(claims)}`
  return `${signed}.${signatureOf(spec, textOf(spec.key, scope) ?? '', signed).toString('base64url')}`
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function signatureOf(spec: JwtSpec, key: string, signed: string): Buffer {
  const bytes = Buffer.from(signed)
  if (spec.algorithm === 'HS256') return createHmac('sha256', key).update(bytes).digest()
  const privateKey = privateKeyOf(spec, key)
  switch (spec.algorithm) {
    case 'ES256':
      // JOSE wants the two numbers side by side, not the DER that OpenSSL writes.
      return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    case 'PS256':
      return sign('sha256', bytes, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      })
    default:
      return sign('sha256', bytes, privateKey)
  }
}

function privateKeyOf({ algorithm, key }: JwtSpec, pem: string): KeyObject {
  const unusable = (why: string): CausewayError =>
    new CausewayError('CSW-2005', {
      what: `The private key for ${algorithm} cannot be used: ${why}.`,
      fix: `Give the key as PEM, from "-----BEGIN PRIVATE KEY-----" to its end, in the setting that ${key.source} names.`,
      place: key.place,
    })
  let parsed: KeyObject
  try {
    // Environment variables and JSON key files carry the line breaks as backslash and n.
    parsed = createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw unusable('it is no private key')
  }
  const wanted = algorithm === 'ES256' ? 'ec' : 'rsa'
  if (parsed.asymmetricKeyType !== wanted) throw unusable(`it is a key for ${parsed.asymmetricKeyType}`)
  return parsed
}

/** A template as text; undefined where it has no value. */
export function textOf(from: Template | Expression | undefined, scope: Scope): string | undefined {
  const value = from?.evaluate(scope)
  return value === undefined || value === null || value === '' ? undefined : asText(value)
}

export function objectOf(from: Template | undefined, scope: Scope): JsonObject {
  const value = from?.evaluate(scope)
  return isObject(value) ? (value as JsonObject) : {}
}
