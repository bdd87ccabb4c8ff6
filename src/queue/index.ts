export * from './contract.ts'
export { migrateQueue, openQueue, type QueueTarget } from './open.ts'
export type { QueueLog } from './trouble.ts'
export { DEFAULT_TUNING, type QueueTuning } from './tuning.ts'
