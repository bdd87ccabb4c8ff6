/** What a command may end with, and that none ends well where something went wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { Interrupted, reportError } from '../../src/cli/report-error.ts'
import { CausewayError, type ErrorCode, errorRegistry } from '../../src/core/index.ts'
import { runCli } from './run-cli.ts'

/** They work with files or the library, and run where no hub answers; or they are a hub, or go on until they are stopped. */
const LOCAL = ['init', 'validate', 'test', 'map', 'connectors', 'create', 'config', 'schema', 'explain', 'profiles']
const ELSEWHERE = ['complete', 'doctor', 'lsp', 'mcp', 'start', 'serve', 'worker', 'migrate']

test('the codes are those that scripts know', () => {
  expect(EXIT).toEqual({ ok: 0, failed: 1, usage: 2, changes: 3, remote: 4, config: 5, interrupted: 130 })
})

test('every error of the registry has an exit code of the table, and none that says that all is well', () => {
  const ofErrors: readonly number[] = [EXIT.failed, EXIT.usage, EXIT.remote, EXIT.config]
  for (const [code, { causeClass }] of Object.entries(errorRegistry)) {
    const exit = exitCodeOf({ code: code as ErrorCode, causeClass })
    expect(ofErrors, code).toContain(exit)
    expect(exitCodeOf(new CausewayError(code as ErrorCode, { what: 'x' })), code).toBe(exit)
  }
})

test('whatever is thrown, a command does not end with 0', () => {
  const { write } = process.stderr
  process.stderr.write = () => true
  onTestFinished(() => {
    process.stderr.write = write
  })
  const report = (thrown: unknown) => reportError(thrown, { format: 'json', dir: '/' })
  expect(report(new Interrupted())).toBe(EXIT.interrupted)
  for (const thrown of [new Error('x'), new TypeError('x'), 'text', 0, null, undefined, { code: 0, exitCode: 0 }])
    expect(report(thrown)).toBe(EXIT.failed)
})

/** Each command by its words, with what it needs to be understood. */
async function lines(): Promise<string[][]> {
  const all: string[][] = []
  for (const { name, load } of COMMANDS) {
    if ([...LOCAL, ...ELSEWHERE].includes(name)) continue
    const command = new Command(name)
    ;(await load()).define(command, () => {
      throw new Error('nothing is run here')
    })
    for (const one of command.commands.length ? command.commands : [command]) {
      const given = one.registeredArguments.filter(({ required }) => required).map(() => '1')
      const options = one.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long!, '1'])
      all.push([...(one === command ? [name] : [name, one.name()]), ...given, ...options])
    }
  }
  return all
}

test('no command ends well where the hub does not answer: it says so, or what else it lacks', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'causeway-exit-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await writeFile(join(cwd, 'token'), 'a-token\n')
  await writeFile(join(cwd, 'causeway.yaml'), 'hub: {}\n')
  const hub = ['--url', 'http://127.0.0.1:1', '--token-file', join(cwd, 'token')]
  const ended: Record<number, string[]> = {}
  for (const line of await lines()) {
    const { code, stdout, stderr } = await runCli([...line, ...hub], { cwd })
    expect([stdout, stderr], line.join(' ')).toEqual(['', expect.stringContaining('CSW-80')])
    ended[code!] = [...(ended[code!] ?? []), line.join(' ')]
  }
  expect(Object.keys(ended)).toEqual([String(EXIT.usage), String(EXIT.remote)])
  expect(ended[EXIT.remote]!.length).toBeGreaterThan(50)
})
