import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import type { MakeContext } from '../context.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command.option('--dry-run', 'only say what is missing').action(async (options: { dryRun?: boolean }) => {
    const context = makeContext()
    const { migrateLedger } = await loadAssembly()
    const result = await migrateLedger({ dir: context.dir, dryRun: options.dryRun ?? false })
    context.output.result('migrate', JSON.stringify(result), () => {
      if (options.dryRun && result.pending.length)
        return result.pending.map(({ number, name }) => `missing ${number} ${name}`).join('\n')
      return result.applied.length ? `Migrated: ${result.applied.join(', ')}.` : 'The database is up to date.'
    })
  })
}
