import { constants, createDecipheriv, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteFunctions } from '../../src/connector/language/byte-functions.ts'
import { compileSource } from '../../src/connector/language/compile-expression.ts'
import type { Finding } from '../../src/core/index.ts'
import { vendorKey } from '../../src/simulator/certificate.ts'

const NAMES = ['a', 'b', 'c']
const place = { file: 'connector.yaml', line: 3, column: 5 }
function evaluate(source: string, scope: Record<string, unknown>): unknown {
  const findings: Finding[] = []
  const expression = compileSource(source, {
    placeOf: () => place,
    check: { names: NAMES, settings: new Set() },
    findings,
  })
  expect(findings).toEqual([])
  return expression.evaluate(scope)
}
const failure = (source: string, scope: Record<string, unknown>): string => {
  try {
    evaluate(source, scope)
  } catch (error) {
    return String(error)
  }
  throw new Error('it should have failed')
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((one) => Buffer.from(one))
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })

test('digest, length and encryption hold for any bytes and key', () => {
  fc.assert(
    fc.property(
      bytes,
      fc.constantFrom(16, 24, 32),
      fc.uint8Array({ minLength: 48, maxLength: 48 }),
      (content, size, random) => {
        const [key, iv] = [Buffer.from(random.slice(0, size)), Buffer.from(random.slice(32))]
        const scope = { a: content.toString('base64'), b: key.toString('base64'), c: iv.toString('base64') }
        expect(evaluate('$byteLength(a)', scope)).toBe(content.length)
        expect(evaluate('$sha256Base64(a)', scope)).toBe(createHash('sha256').update(content).digest('base64'))
        const sealed = Buffer.from(evaluate('$aesCbc(a, b, c)', scope) as string, 'base64')
        const cipher = createDecipheriv(`aes-${size * 8}-cbc`, key, iv)
        expect(Buffer.concat([cipher.update(sealed), cipher.final()])).toEqual(content)
      },
    ),
  )
})

test('texts become UTF-8, and what has no value gives none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (a) => {
      expect(Buffer.from(evaluate('$toBase64(a)', { a }) as string, 'base64').toString()).toBe(a)
    }),
  )
  for (const source of ['$toBase64(a)', '$sha256Base64(a)', '$byteLength(a)', '$rsaOaep(a, b)', '$aesCbc(a, b, c)'])
    expect(evaluate(source, { b: 'AAAA', c: 'AAAA' }), source).toBeUndefined()
})

test('a key is taken as certificate, public key, in PEM or as bytes', async () => {
  const opened = (sealed: unknown) =>
    privateDecrypt(
      { key: privateKey, oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING },
      Buffer.from(sealed as string, 'base64'),
    ).toString()
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  for (const b of [pem, der]) expect(opened(evaluate('$rsaOaep($toBase64(a), b)', { a: 'Łódź', b }))).toBe('Łódź')
  const vendor = await vendorKey('Register', Date.now())
  const der64 = vendor.certificate.toString('base64')
  const certificates = [der64, `-----BEGIN CERTIFICATE-----\n${der64}\n-----END CERTIFICATE-----\n`]
  for (const b of certificates) {
    const sealed = evaluate('$rsaOaep($toBase64(a), b)', { a: 'Łódź', b }) as string
    expect(vendor.decrypt(Buffer.from(sealed, 'base64')).toString()).toBe('Łódź')
  }
})

test('what cannot be done is said without what was given', () => {
  const long = Buffer.alloc(200, 7).toString('base64')
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const secret = 'c2VjcmV0LXNlY3JldA=='
  const cases: [string, Record<string, string>, RegExp][] = [
    ['$sha256Base64(a)', { a: 'no Base64 at all' }, /Base64/],
    ['$aesCbc(a, b, c)', { a: secret, b: 'AAAA', c: secret }, /16, 24 or 32 bytes/],
    ['$aesCbc(a, b, c)', { a: secret, b: Buffer.alloc(32).toString('base64'), c: 'AAAA' }, /16 bytes/],
    ['$rsaOaep(a, b)', { a: long, b: key }, /too long/],
    ['$rsaOaep(a, b)', { a: secret, b: 'AAAA' }, /neither a certificate nor a public key/],
  ]
  for (const [source, scope, says] of cases) {
    const message = failure(source, scope)
    expect(message).toMatch(says)
    for (const value of Object.values(scope)) if (value.length > 8) expect(message).not.toContain(value)
  }
})

test('only functions that exist may be called', () => {
  const findings: Finding[] = []
  compileSource('$sha265Base64(a)', { placeOf: () => place, check: { names: NAMES, settings: new Set() }, findings })
  expect(findings.map(({ fix }) => fix)).toEqual(['Did you mean "$sha256Base64"?'])
  expect(Object.keys(byteFunctions).sort()).toEqual(['aesCbc', 'byteLength', 'rsaOaep', 'sha256Base64', 'toBase64'])
})
