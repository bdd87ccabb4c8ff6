/** Signature Version 4 as a store computes it: from the request as it arrived ("Authenticating Requests", Amazon S3 API). */
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { StoreError, type StoreOptions } from './contract.ts'

const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/

/** Throws what the store answers to a request that is not signed by the key it knows. */
export function verifySignature(request: IncomingMessage, url: URL, { accessKey, secretKey }: StoreOptions): void {
  const [, key, day, region, service, names = '', given] = HEADER.exec(request.headers.authorization ?? '') ?? []
  if (key !== accessKey) throw new StoreError(403, 'InvalidAccessKeyId')
  const query = [...url.searchParams]
    .map(([name, value]) => `${coded(name)}=${coded(value)}`)
    .sort()
    .join('&')
  const headers = names
    .split(';')
    .map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
    .join('')
  const canonical = [request.method, url.pathname, query, headers, names, request.headers['x-amz-content-sha256']].join(
    '\n',
  )
  const scope = `${day}/${region}/${service}/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const hmac = (by: string | Buffer, text: string) => createHmac('sha256', by).update(text).digest()
  const signing = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, day!), region!), service!), 'aws4_request')
  const wanted = hmac(signing, `AWS4-HMAC-SHA256\n${request.headers['x-amz-date']}\n${scope}\n${hash}`).toString('hex')
  if (wanted !== given) throw new StoreError(403, 'SignatureDoesNotMatch')
}

const coded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
