/** Hostile and heavy mappings end in a coded error for the record that did it, and nobody else notices. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { CausewayError } from '../../src/core/index.ts'
import { isolated, isolationNow } from '../../src/expression/index.ts'
import {
  createMappingRunner,
  type MapInput,
  type MapOutput,
  type MappingRunnerOptions,
  readSoundMapping,
  type SandboxedRunner,
} from '../../src/mapping/index.ts'

const syncOf = (expression: string) =>
  readSoundMapping(`from: a:a\nto: b:b\nmap:\n  out: ${JSON.stringify(expression)}\n`, 'hostile.yaml').definition

let runner: SandboxedRunner | undefined
const start = (options: MappingRunnerOptions = {}): SandboxedRunner => {
  runner = createMappingRunner({ timeLimitMs: 1_000, memoryMb: 64, ...options })
  return runner
}
afterEach(() => runner?.close())

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const record = (id: number, body: object): MapInput => ({ id: String(id), body: JSON.stringify(body) })
const outcome = (output: MapOutput | undefined): unknown => {
  if (output?.status === 'failed') return output.error.code
  return output?.status === 'mapped' ? output.parts[0]!.values.value.out : output?.status
}

test('a regular expression that never ends costs its own record only', async () => {
  const poison = `${'a'.repeat(40)}!`
  const inputs = Array.from({ length: 60 }, (_, i) => record(i, { text: i === 20 || i === 45 ? poison : 'aaa' }))
  const outputs = await start().map(syncOf('$contains(text, /^(a+)+$/)'), inputs)
  expect(outputs.map(outcome)).toEqual(inputs.map((_, i) => (i === 20 || i === 45 ? 'CSW-4003' : true)))
  const failed = outputs[20] as Extract<MapOutput, { status: 'failed' }>
  expect(failed.error).toMatchObject({
    data: { limit: 'time' },
    place: { file: 'hostile.yaml' },
    reaction: 'dead-letter',
  })
})

test.each([
  ['a huge map', '$map([1..size], function($x) { [$x, $x] })', { size: 9_000_000 }],
  [
    'growing text',
    '($grow := function($s, $n) { $n = 0 ? $s : $grow($s & $s & $n, $n - 1) }; $length($grow("abcdefgh", size)))',
    { size: 28 },
  ],
  ['a range for ever', '$sum($map([1..size], function($x) { $sum([1..$x]) }))', { size: 5_000_000 }],
])('%s ends in a coded error, the others go on', async (_name, expression, hostile) => {
  const inputs = [record(1, { size: 1 }), record(2, hostile), record(3, { size: 1 })]
  const outputs = await start().map(syncOf(expression), inputs)
  expect(outputs.map((output) => output.status)).toEqual(['mapped', 'failed', 'mapped'])
  expect(outcome(outputs[1])).toBe('CSW-4003')
})

test('endless recursion is a coded error or stopped by the clock', async () => {
  const sync = syncOf('($f := function($x) { 1 + $f($x) }; deep ? $f(1) : 0)')
  const outputs = await start().map(sync, [record(1, { deep: true }), record(2, { deep: false })])
  expect(['CSW-4002', 'CSW-4003']).toContain(outcome(outputs[0]))
  expect(outcome(outputs[1])).toBe(0)
})

test('the hub keeps answering while a mapping spins', async () => {
  let beats = 0
  const heart = setInterval(() => beats++, 20)
  await start({ timeLimitMs: 600 }).map(syncOf('$contains(text, /^(a+)+$/)'), [
    record(1, { text: `${'a'.repeat(40)}!` }),
  ])
  clearInterval(heart)
  expect(beats).toBeGreaterThan(10)
})

test('many records that are slow together are no fault of any of them', async () => {
  // Each takes a few milliseconds; together more than the limit.
  const sync = syncOf('$sum($map([1..size], function($x) { $x * 2 }))')
  const inputs = Array.from({ length: 120 }, (_, i) => record(i, { size: 1_500 }))
  const outputs = await start({ timeLimitMs: 700 }).map(sync, inputs)
  expect(new Set(outputs.map(outcome))).toEqual(new Set([1_500 * 1_501]))
})

test('a process that is killed from outside takes no record with it', async () => {
  const hub = start()
  const sync = syncOf('$sum($map([1..size], function($x) { $x }))')
  await hub.map(sync, [record(0, { size: 1 })])
  const inputs = Array.from({ length: 50 }, (_, i) => record(i, { size: 500 }))
  const working = hub.map(sync, inputs)
  await sleep(15)
  for (const pid of hub.pids) process.kill(pid, 'SIGKILL')
  expect((await working).map(outcome)).toEqual(inputs.map(() => 125_250))
})

test('calls at the same time get their own results', async () => {
  const hub = start({ processes: 2 })
  const syncs = ['"a" & n', '"b" & n', '"c" & n'].map(syncOf)
  const calls = Array.from({ length: 30 }, (_, i) => i)
  const results = await Promise.all(
    calls.map((i) => hub.map(syncs[i % 3]!, [record(1, { n: i }), record(2, { n: i + 1000 })])),
  )
  const letter = (i: number) => 'abc'[i % 3]
  expect(results.map((outputs) => outputs.map(outcome))).toEqual(
    calls.map((i) => [`${letter(i)}${i}`, `${letter(i)}${i + 1000}`]),
  )
})

test('an aborted call rejects at once and the process is still good', async () => {
  const hub = start()
  const sync = syncOf('n')
  const abort = new AbortController()
  const call = hub.map(sync, [record(1, { n: 1 })], abort.signal)
  abort.abort(new Error('not wanted any more'))
  await expect(call).rejects.toThrow('not wanted any more')
  expect((await hub.map(sync, [record(1, { n: 2 })])).map(outcome)).toEqual([2])
})

test('closing ends the processes and refuses what comes after', async () => {
  const hub = start()
  await hub.map(syncOf('n'), [record(1, { n: 1 })])
  const [pid] = hub.pids
  await hub.close()
  await expect.poll(() => isAlive(pid!)).toBe(false)
  const error = (await hub.map(syncOf('n'), [record(1, {})]).catch((cause) => cause)) as CausewayError
  expect(error.code).toBe('CSW-4006')
})

test('a process holds no environment, and may not read files, write or start others', async () => {
  const hub = start()
  await hub.map(syncOf('n'), [record(1, { n: 1 })])
  const [pid] = hub.pids
  if (!existsSync(`/proc/${pid}`)) return
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('')
  const flags = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  expect(flags).toContain('--permission')
  expect(
    flags.filter((flag) => /allow-(fs-write|child|worker|addons|wasi)|allow-fs-read=(\*|\/\*?)$/.test(flag)),
  ).toEqual([])
})

test('a process reaches no server of this machine', async (context) => {
  const hub = start()
  await hub.map(syncOf('n'), [record(1, { n: 1 })])
  const isolation = isolationNow()
  if (isolation.network === 'shared') return context.skip(`no network namespaces here: ${isolation.reason}`)
  const network = (pid: number | string | undefined) => readlinkSync(`/proc/${pid}/ns/net`)
  expect(network(hub.pids[0])).not.toBe(network('self'))

  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial = `require('net').connect(${port}, '127.0.0.1', () => console.log('reached')).on('error', (e) => console.log(e.code))`
  const dialled = async (file: string, args: string[]) =>
    (await promisify(execFile)(file, args, { env: {} })).stdout.trim()
  const inside = isolated(process.execPath, ['-e', dial])
  expect(await dialled(process.execPath, ['-e', dial])).toBe('reached')
  expect(await dialled(inside.file, inside.args)).toMatch(/^E/)
  server.close()
})

test('no expression reaches an object of the host', async () => {
  const hub = start()
  const expressions = [
    'constructor',
    '__proto__',
    'prototype.constructor',
    '$.constructor.constructor("return process")()',
    '$string.constructor',
    'toString',
    '$lookup($, "__proto__")',
    '`__proto__`.polluted',
    '$eval("constructor")',
    '$spread($string)',
  ]
  for (const expression of expressions) {
    const [output] = await hub.map(syncOf(expression), [record(1, { a: 1 })])
    if (output!.status === 'mapped') expect(output!.parts[0]!.values.value, expression).toEqual({})
    else expect(outcome(output), expression).toMatch(/^CSW-400[24]$/)
  }
  // A key that would change the prototype stays a key like any other.
  const [output] = await hub.map(syncOf('$merge([$, {"b": 1}])'), [
    { id: '1', body: '{"__proto__": {"polluted": true}}' },
  ])
  expect(JSON.stringify(outcome(output))).toBe('{"__proto__":{"polluted":true},"b":1}')
})

test('a record of more than 5 MB is refused without a try', async () => {
  const outputs = await start().map(syncOf('n'), [record(1, { n: 'x'.repeat(5_100_000) }), record(2, { n: 1 })])
  expect(outputs.map(outcome)).toEqual(['CSW-4003', 1])
})

test('a warmed runner has its process before the first record, and keeps it', async () => {
  const runner = start()
  runner.warm([syncOf('a'), syncOf('b')])
  const [pid] = runner.pids
  expect(pid).toBeTypeOf('number')
  const outputs = await runner.map(syncOf('b'), [record(1, { b: 'x' })])
  expect(outputs.map(outcome)).toEqual(['x'])
  expect(runner.pids).toEqual([pid])
})
