import type { CauseClass, CausewayError, ErrorCode } from '../core/index.ts'

/** What a command may end with; what each means stands below. */
export const EXIT = { ok: 0, failed: 1, usage: 2, changes: 3, remote: 4, config: 5, interrupted: 130 } as const

/** The one table of exit codes, printed into docs/cli.md. */
export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'done, and all well',
  failed:
    'something that was checked is not as it should be: a failed test, a run with failed records, open problems, a preview gone stale',
  usage: 'the command line is wrong, or names something that does not exist; also: Node is too old',
  changes: 'changes are present; only with `--exit-code`',
  remote: 'another system, the hub or its database does not answer, or a credential is refused',
  config: 'a file or a setting is wrong',
  interrupted:
    'interrupted. `start`, `serve` and `worker` end with 0 after ctrl-c or SIGTERM, which is how they are stopped; a second ctrl-c ends them at once',
}

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

export const exitCodeOf = (error: Pick<CausewayError, 'code' | 'causeClass'>): number =>
  BY_CODE[error.code] ?? BY_CLASS[error.causeClass]
