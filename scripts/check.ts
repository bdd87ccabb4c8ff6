/**
 * Runs the checks of package.json (`check:*` of this list), as many at a time as there are cores: most of each is one thread that
 * counts. What one prints is shown when it has ended, so that the findings of two do not mix.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
/** The longest first. */
const waiting = ['types', 'generated', 'unused', 'types:page', 'style', 'api', 'surface']
const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` }

async function work(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const began = performance.now()
    const child = spawn(scripts[`check:${name}`]!, { cwd: root, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const printed: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => printed.push(chunk))
    const [status] = (await once(child, 'close')) as [number | null]
    process.stdout.write(
      `check:${name} ${status === 0 ? 'ok' : 'FAILED'}, ${Math.round(performance.now() - began)} ms\n`,
    )
    process.stdout.write(Buffer.concat(printed))
    if (status !== 0) process.exitCode = 1
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))
