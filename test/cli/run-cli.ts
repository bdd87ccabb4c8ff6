/** Runs the command line: as its users do, as a process of its own, or in this one, which takes a tenth of the time. */
import { spawn } from 'node:child_process'
import { Console } from 'node:console'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { main } from '../../src/cli/main.ts'

export const BIN = resolve(import.meta.dirname, '../../bin/causeway.mjs')

/** Of this checkout, so that a run does not depend on what others left in the user's cache. The checks before the tests fill it. */
export const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache')

export type CliResult = { code: number | null; stdout: string; stderr: string }

type CliOptions = { cwd?: string; env?: Record<string, string>; input?: string }

/** All the environment that a command gets here. */
const environment = (extra: Record<string, string> = {}) => ({
  PATH: process.env.PATH ?? '',
  XDG_CACHE_HOME: CACHE,
  ...extra,
})

/** The program itself: for what only a process has, and for some of each kind so that both ways are known to be one. */
export function runBinary(args: string[], options: CliOptions & { node?: string[] } = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [...(options.node ?? []), BIN, ...args], {
    cwd: options.cwd ?? import.meta.dirname,
    env: environment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(options.input ?? '')
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}

/** A process has one folder, one environment and one output: commands wait for each other. */
let last: Promise<unknown> = Promise.resolve()

/** `main` in this process, with the folder, environment, input and output of the program. Only in files that have a worker each. */
export function runCli(args: string[], options: CliOptions = {}): Promise<CliResult> {
  const mine = last.then(() => runHere(args, options))
  last = mine.catch(() => undefined)
  return mine
}

async function runHere(args: string[], options: CliOptions): Promise<CliResult> {
  const undo: (() => void)[] = []
  try {
    undo.push(enterFolder(options.cwd ?? import.meta.dirname), putEnvironment(environment(options.env)))
    undo.push(putInput(options.input ?? ''))
    const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
    undo.push(stdout.release, stderr.release, putConsole())
    process.exitCode = undefined
    const code = await main(args)
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    process.exitCode = undefined
    for (const each of undo.reverse()) each()
  }
}

function enterFolder(folder: string): () => void {
  const before = process.cwd()
  process.chdir(folder)
  return () => process.chdir(before)
}

function putEnvironment(wanted: Record<string, string>): () => void {
  const before = { ...process.env }
  const put = (env: NodeJS.ProcessEnv): void => {
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
    Object.assign(process.env, env)
  }
  put(wanted)
  return () => put(before)
}

function putInput(text: string): () => void {
  const before = Object.getOwnPropertyDescriptor(process, 'stdin')!
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(text)]), configurable: true })
  return () => void Object.defineProperty(process, 'stdin', before)
}

/** The one of vitest keeps to itself what libraries say. */
function putConsole(): () => void {
  const before = globalThis.console
  globalThis.console = new Console(process.stdout, process.stderr)
  return () => {
    globalThis.console = before
  }
}

/** Keeps what is written, as bytes, because a letter may come in two pieces; and takes away the listeners that `main` adds. */
function capture(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const { write } = stream
  const listeners = stream.listeners('error')
  const written: Buffer[] = []
  stream.write = ((chunk: string | Uint8Array, ...more: unknown[]) => {
    written.push(Buffer.from(chunk as string))
    const told = more.find((each) => typeof each === 'function')
    if (told) process.nextTick(told)
    return true
  }) as typeof stream.write
  return {
    text: () => Buffer.concat(written).toString(),
    release: () => {
      stream.write = write
      for (const each of stream.listeners('error'))
        if (!listeners.includes(each)) stream.off('error', each as () => void)
    },
  }
}
