export { kindOfAddress } from './address.ts'
export { createAgents, type TlsIdentity } from './agents.ts'
export { allowEntryFault, parseAllowList } from './allow.ts'
export { inflated } from './answer.ts'
export { createOutbound, type OutboundClient, type OutboundOptions } from './client.ts'
export { createDialler, type Dialler, dialFailure, type Refusal, type ResolveName } from './dialler.ts'
export type { Exchange, OnExchange } from './exchange-entry.ts'
export { type FailureContext, OutboundFailure, sentOf } from './failure.ts'
export { type RemoteCall, type RemoteLimit, remoteCalls, remoteLimits } from './observed.ts'
export {
  paceOf,
  type QuotaBucket,
  type QuotaCharges,
  type QuotaGate,
  type QuotaLevel,
} from './quota.ts'
export { SharedQuotaGate } from './quota-gate.ts'
export type { QuotaStore } from './quota-ledger.ts'
export { LocalQuotaGate } from './quota-local.ts'
export type { OutboundResponse, QueryValue, RequestBody, ResponseType } from './request.ts'
export { parseRetryAfter, retryAfterOf } from './retry-after.ts'
