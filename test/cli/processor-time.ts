/** What commands take of the processor, which other work on the machine changes little. */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { BIN, CACHE } from './run-cli.ts'

/** How many times slower than the machine of the bars this one is: there Node starts within 40 ms of processor time. */
export function slowness(): number {
  const program = '({ user, system } = process.cpuUsage()), (user + system) / 1000'
  const starts = Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, ['-p', program])))
  return Math.max(1, Math.min(...starts) / 40)
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
