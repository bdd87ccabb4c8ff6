/** Runs the command line as its users do: as a process of its own. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export const BIN = resolve(import.meta.dirname, '../../bin/causeway.mjs')

/** Of this checkout, so that a run does not depend on what others left in the user's cache. The checks before the tests fill it. */
export const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache')

export type CliResult = { code: number | null; stdout: string; stderr: string }

export function runCli(
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; node?: string[]; input?: string } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [...(options.node ?? []), BIN, ...args], {
    cwd: options.cwd ?? import.meta.dirname,
    env: { PATH: process.env.PATH ?? '', XDG_CACHE_HOME: CACHE, ...options.env },
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
