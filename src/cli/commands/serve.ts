import type { Command } from 'commander'
import type { MakeContext } from '../context.ts'
import { type ServingOptions, serveHub } from '../serving.ts'
import { addSettingFlags } from '../setting-flags.ts'

export function define(command: Command, makeContext: MakeContext): void {
  addSettingFlags(command).action((options: ServingOptions) =>
    serveHub(makeContext({ longRunning: true }), 'serve', options),
  )
}
