import type { CauseClass, CausewayError, ErrorCode } from '../core/index.ts'

/** The one table of exit codes; printed in docs/cli.md, held by tests. */
export const EXIT = {
  ok: 0,
  /** Something was checked and is not as it should be: a failed test, a partial run, a refused action. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Changes are present; only for commands that are asked to say so. */
  changes: 3,
  /** Another system, the hub or its database does not answer, or a credential is refused. */
  remote: 4,
  /** A file or a setting is wrong. */
  config: 5,
  interrupted: 130,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  // What the API says of a request is said of the command line it was made from.
  'CSW-8002': EXIT.usage,
  'CSW-8003': EXIT.usage,
  'CSW-8020': EXIT.usage,
  'CSW-8022': EXIT.usage,
  'CSW-8023': EXIT.usage,
  'CSW-6001': EXIT.remote,
  'CSW-6003': EXIT.remote,
  'CSW-7001': EXIT.remote,
  'CSW-8006': EXIT.remote,
}

const BY_CLASS: Record<CauseClass, number> = {
  config: EXIT.config,
  mapping: EXIT.config,
  credential: EXIT.remote,
  quota: EXIT.remote,
  'remote-down': EXIT.remote,
  data: EXIT.failed,
  hub: EXIT.failed,
}

export const exitCodeOf = (error: CausewayError): number => BY_CODE[error.code] ?? BY_CLASS[error.causeClass]
