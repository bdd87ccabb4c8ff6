/** AWS Signature Version 4, as S3 and everything that speaks its protocol wants it. */
import { createHash, createHmac } from 'node:crypto'
import { part, type Scope, template, type ValueOf } from '../language/index.ts'
import { textOf } from './jwt.ts'
import { type HttpRequest, queryPairs, strictlyCoded } from './request.ts'

const SETTINGS = ['settings'] as const

export const sigv4Part = part({
  title: 'AWS signature',
  sense: 'Signs every request, body included, with a key that does not travel (Signature Version 4).',
  fields: {
    access_key: template({ sense: 'Id of the key.', names: SETTINGS, required: true }),
    secret_key: template({ sense: 'The key.', names: SETTINGS, required: true }),
    session_token: template({ sense: 'For keys that are lent for a time.', names: SETTINGS }),
    region: template({ sense: 'The region.', names: SETTINGS, required: true, example: 'eu-central-1' }),
    service: template({ sense: 'The service.', names: SETTINGS, default: 's3' }),
  },
  example: `
auth:
  kind: sigv4
  access_key: \${ settings.user }
  secret_key: \${ settings.password }
  region: eu-central-1
`,
})
export type SigV4Spec = ValueOf<typeof sigv4Part>

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/** The headers that sign a request. */
export function sigv4Headers(
  spec: SigV4Spec,
  scope: Scope,
  request: HttpRequest,
  now: Date = new Date(),
): Record<string, string> {
  const moment = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const service = textOf(spec.service, scope) ?? 's3'
  const token = textOf(spec.session_token, scope)
  const hash = payloadHash(request)
  const url = new URL(request.url)
  const own: Record<string, string> = {
    'x-amz-date': moment,
    // The other services take it from the body, and their published examples are signed without it.
    ...(service === 's3' ? { 'x-amz-content-sha256': hash } : {}),
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
  }
  const signed = Object.entries({ host: url.host, ...own }).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = signed.map(([name]) => name).join(';')
  const canonical = [
    request.method.toUpperCase(),
    // S3 takes the path as it stands in the request; the others want it encoded once more.
    service === 's3' ? url.pathname : url.pathname.split('/').map(strictlyCoded).join('/'),
    queryOf(url, request),
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    hash,
  ].join('\n')
  const place = [moment.slice(0, 8), textOf(spec.region, scope) ?? '', service, 'aws4_request']
  const key = place.reduce<string | Buffer>(hmac, `AWS4${textOf(spec.secret_key, scope) ?? ''}`)
  const toSign = ['AWS4-HMAC-SHA256', moment, place.join('/'), sha256(canonical)].join('\n')
  const credential = [textOf(spec.access_key, scope) ?? '', ...place].join('/')
  return {
    ...own,
    Authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${createHmac('sha256', key).update(toSign).digest('hex')}`,
  }
}

/** A stream cannot be read twice, so its bytes are left to TLS. */
function payloadHash({ body }: HttpRequest): string {
  if (body === undefined || body === null) return sha256('')
  return typeof body === 'string' || Buffer.isBuffer(body) ? sha256(body) : 'UNSIGNED-PAYLOAD'
}

const queryOf = (url: URL, request: HttpRequest): string =>
  [...url.searchParams, ...queryPairs(request)]
    .map(([name, value]) => [strictlyCoded(name), strictlyCoded(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
