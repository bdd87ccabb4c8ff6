import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import { keepCompiled } from '../compile-cache.ts'
import type { MakeContext } from '../context.ts'
import { untilStopped } from '../signals.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command.action(async () => {
    const context = makeContext({ longRunning: true })
    const stopped = untilStopped()
    const { openHub } = await loadAssembly()
    const hub = await openHub({ dir: context.dir, role: 'worker' })
    context.output.result(
      'worker',
      JSON.stringify({ pid: process.pid }),
      () => `Causeway works (process ${process.pid}). Stop with ctrl-c.`,
    )
    keepCompiled()
    await stopped.signal
    await hub.close()
    stopped.release()
  })
}
