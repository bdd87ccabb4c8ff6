import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { addSettingFlags, settingFlags } from '../setting-flags.ts'

type MigrateOptions = { dryRun?: boolean } & Record<string, unknown>

export function define(command: Command, makeContext: MakeContext): void {
  addSettingFlags(command, ['database_url', 'redis_url', 'data_dir'])
    .option('--dry-run', 'only say what is missing')
    .action((options: MigrateOptions) => migrate(makeContext(), options))
}

async function migrate({ dir, output }: CliContext, { dryRun = false, ...options }: MigrateOptions): Promise<void> {
  const { migrateLedger } = await loadAssembly()
  const result = await migrateLedger({ dir, dryRun, flags: settingFlags(options) })
  output.result('migrate', JSON.stringify(result), () => {
    if (dryRun && result.pending.length)
      return result.pending.map(({ number, name }) => `missing ${number} ${name}`).join('\n')
    return result.applied.length ? `Migrated: ${result.applied.join(', ')}.` : 'The database is up to date.'
  })
}
