import { resolve } from 'node:path'
import { checkHub, type SettingName } from '../config/index.ts'
import { migrateQueue } from '../queue/index.ts'
import { migrate, migrationStatus, openStore } from '../store/index.ts'

type Target = { dir: string; dryRun: boolean; flags?: Partial<Record<SettingName, unknown>> }

/** Brings the ledger and the queue's tables to this version, or says what is missing. */
export async function migrateLedger({ dir, dryRun, flags = {} }: Target): Promise<{
  applied: number[]
  pending: { number: number; name: string }[]
}> {
  const { settings } = await checkHub({ folder: dir, flags })
  const store = await openStore({
    databaseUrl: settings.database_url ?? undefined,
    folder: resolve(dir, settings.data_dir),
  })
  try {
    const { pending } = await migrationStatus(store.pool)
    if (dryRun) return { applied: [], pending }
    const applied = await migrate(store.pool)
    if (!settings.redis_url) await migrateQueue({ backend: 'postgres', connectionString: store.url })
    return { applied, pending: [] }
  } finally {
    await store.close()
  }
}
