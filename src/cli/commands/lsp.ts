import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import type { MakeContext } from '../context.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command.option('--stdio', 'speak on stdin and stdout; the only way there is').action(async () => {
    const { dir } = makeContext({ longRunning: true })
    const { serveEditorFor } = await loadAssembly()
    await serveEditorFor(dir)
    // The protocol ends the process: `exit`, or the end of stdin.
    await new Promise<void>((resolve) => process.stdin.once('close', resolve))
  })
}
