/** OAuth 1.0 (RFC 5849): each request is signed with two secrets, none of which travels. */
import { createHmac, randomUUID } from 'node:crypto'
import { choice, part, type Scope, template, type ValueOf } from '../language/index.ts'
import { textOf } from './jwt.ts'
import { type HttpRequest, queryPairs, strictlyCoded } from './request.ts'

const SETTINGS = ['settings'] as const

export const oauth1Part = part({
  title: 'OAuth 1.0',
  sense: 'Signs every request with the secrets of the client and of the token.',
  fields: {
    algorithm: choice(['HMAC-SHA256', 'HMAC-SHA1'], { sense: 'How it is signed.', default: 'HMAC-SHA256' }),
    consumer_key: template({ sense: 'Our name there.', names: SETTINGS, required: true }),
    consumer_secret: template({ sense: 'Its secret.', names: SETTINGS, required: true }),
    token: template({ sense: 'The token of the connection.', names: SETTINGS }),
    token_secret: template({ sense: 'Its secret.', names: SETTINGS }),
    realm: template({ sense: 'The account, where the system wants it named.', names: SETTINGS }),
  },
  example: `
auth:
  kind: oauth1
  consumer_key: \${ settings.user }
  consumer_secret: \${ settings.password }
  token: \${ settings.key }
  token_secret: \${ settings.token }
  realm: "1234567"
`,
})
export type OAuth1Spec = ValueOf<typeof oauth1Part>

/** The `Authorization` header of a request. */
export function oauth1Header(
  spec: OAuth1Spec,
  scope: Scope,
  request: HttpRequest,
  { now = new Date(), nonce = randomUUID().replaceAll('-', '') }: { now?: Date; nonce?: string } = {},
): string {
  const token = textOf(spec.token, scope)
  const own: [string, string][] = [
    ['oauth_consumer_key', textOf(spec.consumer_key, scope) ?? ''],
    ['oauth_nonce', nonce],
    ['oauth_signature_method', spec.algorithm],
    ['oauth_timestamp', String(Math.floor(now.getTime() / 1000))],
    ...(token === undefined ? [] : [['oauth_token', token] as [string, string]]),
    ['oauth_version', '1.0'],
  ]
  const key = `${strictlyCoded(textOf(spec.consumer_secret, scope) ?? '')}&${strictlyCoded(textOf(spec.token_secret, scope) ?? '')}`
  const signature = createHmac(spec.algorithm === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
    .update(baseString(request, own))
    .digest('base64')
  const realm = textOf(spec.realm, scope)
  const shown = [...own, ['oauth_signature', signature]].map(([name, value]) => `${name}="${strictlyCoded(value!)}"`)
  return `OAuth ${[...(realm === undefined ? [] : [`realm="${realm}"`]), ...shown].join(', ')}`
}

function baseString(request: HttpRequest, own: [string, string][]): string {
  const url = new URL(request.url)
  const pairs = [...url.searchParams, ...queryPairs(request), ...formPairs(request), ...own]
    .map(([name, value]) => [strictlyCoded(name), strictlyCoded(value)] as const)
    // By code units, not by language: `a` before `b`, equal names by value.
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
  return [request.method.toUpperCase(), strictlyCoded(url.origin + url.pathname), strictlyCoded(pairs.join('&'))].join(
    '&',
  )
}

/** Only bodies that are forms are signed. */
function formPairs({ headers, body }: HttpRequest): [string, string][] {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const isForm = type?.toLowerCase().startsWith('application/x-www-form-urlencoded')
  return isForm && typeof body === 'string' ? [...new URLSearchParams(body)] : []
}
