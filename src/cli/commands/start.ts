import type { Command } from 'commander'
import type { MakeContext } from '../context.ts'
import { type ServingOptions, serveHub } from '../serving.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .option('--host <address>', 'address to listen on')
    .option('--port <number>', 'port to listen on; 0 takes any free one')
    .option('--watch', 'edits of YAML and mappings take effect without a restart')
    .action((options: ServingOptions) => serveHub(makeContext({ longRunning: true }), 'all', options))
}
