import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRedactor, isSecretName, redactBody, redactHeaders, redactUrl } from '../../src/core/index.ts'

const nothing = createRedactor([])

/** Every way this secret is written by a common encoder. */
const encoders: [string, (secret: string) => string][] = [
  ['raw', (s) => s],
  ['percent', (s) => encodeURIComponent(s)],
  ['percent, lower case', (s) => encodeURIComponent(s).replace(/%../g, (hex) => hex.toLowerCase())],
  ['form', (s) => new URLSearchParams([['', s]]).toString().slice(1)],
  ['URL query', (s) => new URL(`https://x.test/?${encodeURIComponent(s)}`).search.slice(1)],
  ['JSON', (s) => JSON.stringify(s).slice(1, -1)],
  ['XML', (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')],
  ['base64', (s) => Buffer.from(s).toString('base64')],
  ['base64url', (s) => Buffer.from(s).toString('base64url')],
]

const secrets = fc
  .string({ unit: 'grapheme', minLength: 4, maxLength: 40 })
  .filter((s) => s.isWellFormed() && s.length >= 4)

test.each(encoders)('a secret is replaced in its %s form', (_name, encode) => {
  fc.assert(
    fc.property(secrets, (secret) => {
      const shown = createRedactor([secret])(`<${encode(secret)}>`)
      expect(shown).toMatch(/^<(\[secret\])+>$/)
    }),
    { numRuns: 300 },
  )
})

test('of two secrets where one begins with the other nothing stays behind', () => {
  expect(createRedactor(['abcd', 'abcdefgh'])('x abcdefgh y abcd z')).toBe('x [secret] y [secret] z')
})

test('text without a secret stays as it is; empty and tiny secrets mask nothing', () => {
  const redact = createRedactor(['', 'a', 'b$', 'tok-1'])
  expect(redact('a b$ and nothing more')).toBe('a b$ and nothing more')
})

test.each(['Authorization', 'X-Api-Key', 'client_secret', 'refreshToken', 'SET-COOKIE', 'db.password', 'userPassword'])(
  '%s is a secret by its name',
  (name) => expect(isSecretName(name)).toBe(true),
)

test.each(['name', 'code', 'key', 'tokens_left', 'secretary', 'passport', 'Content-Type', 'ETag', 'cookies_accepted'])(
  '%s is not',
  (name) => expect(isSecretName(name)).toBe(false),
)

test('URLs lose user info, fragment and secret parameters, and keep the rest', () => {
  const shown = (url: string) => redactUrl(url, nothing)
  expect(shown('https://bob:pw@x.test/a?page=2&api%5Fkey=k1&code=c2&q=a%20b#frag')).toBe(
    'https://x.test/a?page=2&api%5Fkey=[secret]&code=[secret]&q=a%20b',
  )
  expect(shown('https://x.test/a?token')).toBe('https://x.test/a?token')
  expect(shown('https://x.test/?key=a=b')).toBe('https://x.test/?key=[secret]')
  expect(shown('/relative?sig=%')).toBe('/relative?sig=[secret]')
})

test('headers are masked by name, their other values by content', () => {
  expect(redactHeaders({ Cookie: 'a=b', 'X-Note': 'see tok-99', none: undefined }, createRedactor(['tok-99']))).toEqual(
    {
      Cookie: '[secret]',
      'X-Note': 'see [secret]',
    },
  )
})

test('the query of an address that a system hands out is not shown', () => {
  expect(redactHeaders({ Location: 'https://files.example/a?sig2=x' }, nothing)).toEqual({
    Location: 'https://files.example/a?[secret]',
  })
  expect(redactBody('{"uploadUrl":"https://files.example/a?x=1"}', nothing, 1000)).toBe('{"uploadUrl":"[secret]"}')
})

test('bodies are masked by name in JSON, XML and forms, also where they are cut', () => {
  const shown = (body: string, cap = 1000) => redactBody(body, nothing, cap)
  expect(shown('{"access_token" : "a\\"b", "code":"DE"}')).toBe('{"access_token" : "[secret]", "code":"DE"}')
  expect(shown('{"a":1,"password":"cut of')).toBe('{"a":1,"password":"[secret]"')
  expect(shown('<a:Password>x</a:Password><b>y</b>')).toBe('<a:Password>[secret]</a:Password><b>y</b>')
  expect(shown('grant_type=x&refresh_token=abc&code=1')).toBe('grant_type=x&refresh_token=[secret]&code=[secret]')
  expect(shown('plain text', 5)).toBe('plain…')
})

test('wherever a body is cut, no part of a secret longer than chance stays', () => {
  const secret = 'QWERTZUIOPASDFGH'
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 }), (gap, many) => {
      const body = `${secret.repeat(many)}${'.'.repeat(gap)}${secret}${secret} and so on, far beyond the cap of this body`
      expect(redactBody(body, createRedactor([secret]), 50)).not.toMatch(/QWER|TZUI|OPAS|DFGH/)
    }),
  )
})
