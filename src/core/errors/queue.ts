import type { ErrorSpec } from './spec.ts'

/** 7xxx: the queue. */
export const queueErrors = {
  'CSW-7001': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The queue cannot be reached.',
    action: 'Check Redis or Postgres; pending work is found again from the ledger when it is back.',
  },
  'CSW-7002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The queue has no tables in this database.',
    action: 'Run `causeway migrate`.',
  },
  'CSW-7003': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A schedule is not one that can fire.',
    action: 'Correct the cron expression, the zone or the interval at the place named.',
  },
  'CSW-7004': {
    causeClass: 'hub',
    reaction: 'alert',
    meaning: 'The queue was used after it was closed.',
    action: 'Restart the process; report it with `causeway doctor` output if it comes back.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
