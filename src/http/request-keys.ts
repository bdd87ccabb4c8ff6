import type { Claimed, RequestClaim } from '../store/index.ts'

/** The book of keys in the ledger. */
export interface RequestKeys {
  renewMs: number
  claim(asked: { actor: string; key: string; operation: string; said: string }): Promise<Claimed>
  renew(claim: RequestClaim): Promise<void>
  settle(claim: RequestClaim, status: number, body: string | null): Promise<void>
  giveBack(claim: RequestClaim): Promise<void>
  leave(claim: RequestClaim): Promise<void>
}
