import { channel } from 'node:diagnostics_channel'

/** One call to another system that has ended, for whoever measures. Names of connections only: no address, no record. */
export type RemoteCall = {
  connection: string
  /** Class of the status; `none` where there was no complete answer. */
  outcome: '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none'
  /** Without what it waited for slots and limits. */
  seconds: number
}
/** What a system said of one of its limits. */
export type RemoteLimit = { connection: string; limit: string; remaining: number }

/** Nobody listens unless metrics are wanted, and then telling costs a function call. */
export const remoteCalls = channel('causeway:remote-call')
export const remoteLimits = channel('causeway:remote-limit')

export function tellCall(connection: string, began: number, status: number | null): void {
  if (!remoteCalls.hasSubscribers) return
  const outcome = (status === null ? 'none' : `${Math.floor(status / 100)}xx`) as RemoteCall['outcome']
  remoteCalls.publish({ connection, outcome, seconds: (performance.now() - began) / 1_000 } satisfies RemoteCall)
}

export function tellLimit(connection: string, limit: string, remaining: number | undefined): void {
  if (remaining !== undefined && remoteLimits.hasSubscribers)
    remoteLimits.publish({ connection, limit, remaining } satisfies RemoteLimit)
}
