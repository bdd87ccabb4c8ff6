import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asCausewayError, CausewayError, createLogger, type LoggerOptions } from '../../src/core/index.ts'

function logging(options: LoggerOptions = {}) {
  const lines: string[] = []
  const log = createLogger({
    level: 'trace',
    format: 'json',
    ...options,
    destination: { write: (line) => lines.push(line) },
  })
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> }
}

test('a line is one JSON object with time, level, message and the context of its logger', () => {
  const { log, lines, last } = logging()
  log
    .child({ connection: 'crm', sync: 'contacts' })
    .child({ runId: 'r-1' })
    .info({ count: 3, ms: 1.5, ok: true }, 'pulled')
  expect(lines).toHaveLength(1)
  expect(lines[0]!.endsWith('}\n')).toBe(true)
  expect(last()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    pid: process.pid,
    connection: 'crm',
    sync: 'contacts',
    runId: 'r-1',
    count: 3,
    ms: 1.5,
    ok: true,
    msg: 'pulled',
  })
})

test('a level below the wanted one is not written', () => {
  const { log, lines } = logging({ level: 'warn' })
  log.info('no')
  log.child({ sync: 'a' }).debug('no')
  log.warn('yes')
  expect(lines).toHaveLength(1)
})

test('fields nobody allowed are left out and named, at any logger', () => {
  const { log, lines, last } = logging()
  log.info(
    { record: { email: 'ann@x.test' }, email: 'ann@x.test', headers: { a: 'b' }, password: 'pw', token: 7, count: 1 },
    'x',
  )
  expect(last()).toMatchObject({ count: 1, dropped: ['record', 'email', 'headers', 'password', 'token'] })
  log.child({ body: 'ann@x.test', sync: 's' }).info('y')
  expect(last()).toMatchObject({ sync: 's', dropped: ['body'] })
  log.info(
    {
      detail: {
        apiKey: 'k',
        socket: new (class Socket {
          secret = 'ann@x.test'
        })(),
        buffer: Buffer.from('ann@'),
      },
    },
    'z',
  )
  expect(last().detail).toEqual({ apiKey: '[secret]', socket: '[Socket]', buffer: '[Buffer]' })
  expect(lines.join('')).not.toContain('ann@')
})

test('known secrets are hidden in messages, fields, context and errors, also those learnt later, also by children', () => {
  const { log, lines } = logging({ secrets: ['first/secret'] })
  const child = log.child({ connection: 'c', reason: 'first/secret' })
  log.addSecrets(['second secret'])
  child.info({ detail: 'a first/secret b', url: 'https://x.test/?q=second+secret&api_key=zzz' }, 'msg second secret')
  child.error(new Error('first%2Fsecret failed'))
  child.error({
    err: new CausewayError('CSW-3001', { what: 'no second secret', data: { note: ['first/secret'], token: 'zzz' } }),
  })
  child.info('format %s', 'second secret')
  const text = lines.join('')
  expect(text).not.toMatch(/first\/secret|second[ +]secret|first%2Fsecret|zzz/)
  expect(text.match(/\[secret\]/g)!.length).toBeGreaterThanOrEqual(8)
})

test('a coded error is written with code, place and fix; the stack only where it is a defect', () => {
  const { log, last } = logging()
  const place = { file: 'a.yaml', line: 2, column: 3 }
  const error = new CausewayError('CSW-1004', { what: 'not YAML', place, data: { a: { b: { c: { d: 1 } } } } })
  log.error({ err: error, sync: 's' }, 'failed')
  expect(last().err).toMatchObject({ code: 'CSW-1004', what: 'not YAML', place, fix: error.fix, reaction: 'fix' })
  expect(last().err).not.toHaveProperty('stack')
  log.error({ err: error.toJSON() }, 'stored')
  expect(last().err).toMatchObject({ code: 'CSW-1004', what: 'not YAML', place })
  const defect = Object.assign(new TypeError('x is undefined', { cause: new Error('deeper') }), {
    config: { headers: 'k' },
  })
  log.error(defect)
  expect(last()).toMatchObject({ msg: 'x is undefined', err: { type: 'TypeError', what: 'x is undefined' } })
  const { stack } = last().err as { stack: string[] }
  expect(stack[0]).toBe('caused by Error: deeper')
  expect(stack[1]).toMatch(/^at .*logger\.test\.ts/)
  expect(JSON.stringify(last())).not.toContain('headers')
  log.error({ err: 'just a text' }, 'odd')
  log.error({ err: undefined }, 'none')
})

test('what systems and records say is in no line: their errors are told by code, status and the words of the registry', () => {
  const { log, lines, last } = logging()
  const what = 'PATCH https://crm.test/people/ann@x.test was refused (HTTP 422): {"name":"Ann Ptaszek"}'
  const data = { sent: 'yes', status: 422, cause: 'ECONNRESET', given: 'Ann Ptaszek' }
  for (const code of ['CSW-3006', 'CSW-3008', 'CSW-4002', 'CSW-5006'] as const) {
    const error = new CausewayError(code, { what, data })
    for (const err of [error, error.toJSON()]) {
      log.error({ err }, 'failed')
      expect(last().err).toMatchObject({
        ...{ code, why: error.toJSON().why, fix: error.fix },
        data: { sent: 'yes', status: 422, cause: 'ECONNRESET', dropped: ['given'] },
      })
    }
    log.error(error)
    expect(last().msg).toBe(error.toJSON().why)
  }
  expect(lines.join('')).not.toMatch(/ann@|Ptaszek/)
  // What the hub itself is to blame for is told in its own words.
  log.error({ err: new CausewayError('CSW-4006', { what: 'no process starts' }) }, 'failed')
  expect(last().err).toMatchObject({ what: 'no process starts' })
})

test('what a program of others quotes of its input is in no line', () => {
  const { log, lines } = logging()
  const thrown = ((): Error => {
    try {
      return JSON.parse('{"name": Ann Ptaszek}')
    } catch (error) {
      return error as Error
    }
  })()
  expect(thrown.message).toContain('Ann')
  log.error(thrown)
  log.error({ err: thrown }, 'failed')
  log.error({ err: new Error('outside', { cause: thrown }) }, 'failed')
  log.error({ err: asCausewayError(thrown) }, 'failed')
  log.error({ err: asCausewayError(thrown).toJSON() }, 'failed')
  log.error({ err: thrown.message }, 'failed')
  expect(lines.join('')).not.toContain('Ann')
  expect(lines.join('')).toContain('is not valid JSON')
})

test('no text can fake a line, move the cursor or turn the reading direction', () => {
  const { log, lines, last } = logging()
  log.info(
    { detail: 'a\r\nb', reason: '\u001b[31mred\u0007', name: 'x\u202etxt.exe', what: '\u2028\ud800\u200b' },
    'm\nm',
  )
  expect(last()).toMatchObject({
    detail: 'a<U+000D><U+000A>b',
    reason: '<U+001B>[31mred<U+0007>',
    name: 'x<U+202E>txt.exe',
    what: '<U+2028><U+D800><U+200B>',
    msg: 'm<U+000A>m',
  })
  const short = logging({ format: 'text', colour: false })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, field) => {
      for (const target of [log, short.log]) target.info({ reason: field, [field]: field }, message)
      for (const line of [lines.at(-1)!, short.lines.at(-1)!])
        expect(line).toMatch(/^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*\n$/u)
    }),
  )
})

test('long texts and deep or wide values are cut', () => {
  const { log, lines } = logging()
  const deep: Record<string, unknown> = {}
  deep.self = deep
  log.info(
    { detail: deep, reason: 'x'.repeat(1e6), streams: Array.from({ length: 1e5 }, () => 'y'.repeat(10)) },
    'z'.repeat(1e6),
  )
  expect(lines[0]!.length).toBeLessThan(8_000)
})

test('a person at a terminal gets short lines', () => {
  const { log, lines } = logging({ format: 'text', colour: false })
  const place = { file: 'a.yaml', line: 2 }
  log.child({ connection: 'crm', sync: 'contacts' }).warn({ count: 3, reason: 'two words' }, 'held back')
  log.error({ err: new CausewayError('CSW-1004', { what: 'not YAML', place, fix: 'mend it' }) }, 'failed')
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}crm contacts held back count=3 reason="two words"\n$/)
  expect(lines[1]).toMatch(/^\S+ error failed\n {9}CSW-1004 not YAML\n {9}at a.yaml:2\n {9}fix: mend it\n$/)
  log.error({ err: new CausewayError('CSW-3006', { what: 'Ann', fix: 'wait' }) }, 'failed')
  expect(lines[2]).toMatch(
    /^\S+ error failed\n {9}CSW-3006 The other system failed by its own account \(5xx\)\.\n {9}fix: wait\n$/,
  )
})

test('fastify may log through it: requests by method and path only', () => {
  const { log, last } = logging()
  log.info(
    { req: { method: 'GET', url: '/a?token=t1', headers: { authorization: 'Bearer t1' }, ip: '::1' } },
    'incoming',
  )
  expect(last().req).toEqual({ method: 'GET', url: '/a?token=[secret]', ip: '::1' })
  log.info({ res: { statusCode: 200, headers: 'h' }, responseTime: 1.5 }, 'done')
  expect(last()).toMatchObject({ res: { status: 200 }, responseTime: 1.5 })
})

test('lines reach standard output before the process ends, also right before an exit', () => {
  const script = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../../src/core/index.ts'))}
for (let i = 0; i < 2000; i++) createLogger().info({ count: i }, 'x'.repeat(100))
process.exit(0)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(2000)
  expect(JSON.parse(lines[1999]!)).toMatchObject({ count: 1999 })
})
