/** What commands take of the processor, which other work on the machine changes little. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BIN, CACHE } from './run-cli.ts'

const WORK = join(import.meta.dirname, 'reference-work.mjs')

/**
 * How many times slower than the machine of the bars this one is in this moment: there Node starts within 40 ms of processor time, and does a
 * little work of the kind that is measured within 130. The second tells of machines whose memory is slow, where Node starts as ever (27 November
 * 2026: 9 µs to touch a new page, and all that loads modules took up to three times as long).
 */
export function slowness(): number {
  const program = '({ user, system } = process.cpuUsage()), (user + system) / 1000'
  const starts = Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, ['-p', program])))
  const works = Array.from({ length: 3 }, () => Number(execFileSync(process.execPath, [WORK])))
  return Math.max(1, Math.min(...starts) / 40, Math.min(...works) / 130)
}

/** Milliseconds of user and system time that a command took with all that it started, as the shell counts them; throws where it fails. */
export async function processorTimeOf(args: string[], cwd: string): Promise<number> {
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-ec', '"$@" >/dev/null; times', 'sh', process.execPath, BIN, ...args],
    {
      cwd,
      env: { PATH: process.env.PATH ?? '', XDG_CACHE_HOME: CACHE },
    },
  )
  const [, children = ''] = stdout.trim().split('\n')
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  )
  if (times.length !== 2) throw new Error(`The shell counted ${JSON.stringify(stdout)}.`)
  return Math.round((times[0]! + times[1]!) * 1_000)
}
