export { type AuditCheck, type AuditEntry, appendAudit, verifyAudit } from './audit.ts'
export { asStoreError, isConnectionLoss } from './failure.ts'
export { InboxWriter, type InboxWriterOptions, type NewEvent } from './inbox.ts'
export {
  acquireLease,
  breakLeases,
  HeldLease,
  holdLease,
  type LeaseOptions,
  releaseLease,
  renewLease,
} from './leases.ts'
export * from './ledger/index.ts'
export {
  addMasterKey,
  dropOldKeys,
  type KeyRing,
  loadMasterKeys,
  type MasterKeySource,
} from './master-key.ts'
export { type MigrationStatus, migrate, migrationStatus } from './migrate.ts'
export { describeEmbedded, openStore, type Store, type StoreOptions } from './open.ts'
export { maintainPartitions, type PartitionUpkeep, type RetentionDays } from './partitions.ts'
export { createPool, SCHEMA } from './pool.ts'
export type { SecretPlace } from './sealing.ts'
export { createSecretStore, type SecretStore } from './secrets.ts'
export { claimSlot, dropOldSlots, lastSlot, lastSlots } from './slots.ts'
export { withTransaction } from './transaction.ts'
