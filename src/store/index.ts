export { asStoreError, isConnectionLoss } from './failure.ts'
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
export { type MigrationStatus, migrate, migrationStatus } from './migrate.ts'
export { describeEmbedded, openStore, type Store, type StoreOptions } from './open.ts'
export { createPool, SCHEMA } from './pool.ts'
export { withTransaction } from './transaction.ts'
