import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { HeldApi } from '../held-api.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .option('--allow-write', 'also tools that change something, each after a preview')
    .action(async ({ allowWrite }: { allowWrite?: boolean }) => {
      const context = makeContext({ longRunning: true })
      const { serveOverStdio } = await import('../../assistants/index.ts')
      const hub = new HeldApi(context)
      try {
        await serveOverStdio({
          hub,
          allowWrite: allowWrite ?? false,
          validateFiles: context.url === undefined ? () => validate(context) : undefined,
          version: context.version,
        })
      } finally {
        await hub.close()
      }
    })
}

async function validate({ dir }: CliContext): Promise<string> {
  const { checkProject } = await loadAssembly()
  const { files, findings } = await checkProject({ dir, paths: [] })
  return JSON.stringify({ files, items: findings })
}
