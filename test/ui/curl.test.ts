import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createRedactor } from '../../src/core/index.ts'
import { exchangeOf } from '../../src/outbound/exchange.ts'
import { type Call, curlOf } from '../../src/ui/parts/curl.ts'
import { PAYLOADS } from './payloads.ts'

const call: Call = {
  at: '2026-01-01T00:00:00Z',
  method: 'POST',
  url: 'https://erp.example.org/',
  status: 422,
  ms: 3,
  requestBytes: 1,
  responseBytes: 1,
}

/** The words that a shell gives to each of the commands. */
const wordsOf = (commands: string[]): string[][] =>
  execFileSync('sh', [], {
    encoding: 'utf8',
    input: `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; printf '\\0'; }\n${commands.join('\n')}\n`,
  })
    .split('\0\0')
    .slice(0, -1)
    .map((words) => words.split('\0'))

test('whatever stands in a call is one word of the command', () => {
  const of = (payload: string): Call => ({
    ...call,
    url: call.url + payload,
    request: payload,
    requestHeaders: { 'x-what': payload, host: 'erp.example.org' },
  })
  expect(wordsOf(PAYLOADS.map((payload) => curlOf(of(payload))))).toEqual(
    PAYLOADS.map((payload) => [
      ...['-X', 'POST', '--globoff', '--url', call.url + payload],
      ...['-H', `x-what: ${payload}`.replaceAll(/[\r\n]+/g, ' '), '--data-raw', payload],
    ]),
  )
})

test('no secret of a connection is in the command: the call was cleaned before it was kept', () => {
  const secret = 'k3y-of-the-erp-9f8e7d'
  const kept = exchangeOf(
    {
      request: { method: 'POST', url: call.url, body: JSON.stringify({ token: secret }) },
      method: 'POST',
      url: `${call.url}?api_key=${secret}`,
      requestedAt: new Date(0),
      ms: 3,
      headers: { authorization: `Bearer ${secret}`, 'x-api-key': secret, accept: 'application/json' },
      answer: null,
      error: null,
    },
    createRedactor([secret]),
  )
  const command = curlOf(kept)
  expect(command).not.toContain(secret)
  expect(command).toContain("-H 'accept: application/json'")
})
