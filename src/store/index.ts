export * from './access/index.ts'
export * from './alerts/index.ts'
export { auditRefusal, REFUSALS_AN_HOUR } from './allowances.ts'
export * from './analytics/index.ts'
export { appendAudit, verifyAudit } from './audit.ts'
export { sealBodies } from './body-seals.ts'
export * from './bulk/index.ts'
export { type CallListener, call, listenForCalls } from './calls.ts'
export {
  auditStanding,
  type Coming,
  type ConfigurationBasis,
  type ConfiguredItem,
  demandSame,
  isInForce,
  itemDigest,
  readInForce,
  saveConfiguration,
  saveUnlessOvertaken,
} from './configuration.ts'
export {
  type KeptFile,
  latestVersion,
  type NewVersion,
  namedChanges,
  readKeptFiles,
  versionDigest,
} from './configuration-versions.ts'
export { type Erasure, erase, eraseAgain, readErasures } from './erasure.ts'
export {
  ErasureKeys,
  isBareHash,
  keyBareErasures,
  readSealedErasureKeys,
  restoreErasureKeys,
  type SealedErasureKey,
} from './erasure-keys.ts'
export * from './identity/index.ts'
export { AS_OF, InboxWriter, inboxPool } from './inbox.ts'
export { HASHES, hashDelivered, shrinkRecords } from './keeping.ts'
export {
  acquireLease,
  breakLeases,
  holdLease,
  releaseLease,
  renewLease,
} from './leases.ts'
export * from './ledger/index.ts'
export { keepLimitUse } from './limit-use.ts'
export { type MasterKeySource, MasterKeys } from './master-key.ts'
export { migrate, migrationStatus } from './migrate.ts'
export { describeEmbedded, openStore, type Store } from './open.ts'
export { maintainPartitions } from './partitions.ts'
export { createPool, type LedgerPool, type LedgerSession } from './pool.ts'
export { QuotaBook } from './quota.ts'
export { type Claimed, type RequestClaim, RequestKeyBook } from './request-keys.ts'
export { dropOldRows } from './retention.ts'
export { countByKey, rotateSecrets } from './rotation.ts'
export { createSecretStore, forgetSecrets, type SecretStore } from './secrets.ts'
export { followLedgerClock } from './shared-clock.ts'
export { claimSlot, dropOldSlots, lastSlot, lastSlots } from './slots.ts'
export { SubscriptionBook, type SubscriptionRow } from './subscriptions.ts'
export { withTransaction } from './transaction.ts'
export { beatWorker, leaveWorker } from './workers.ts'
