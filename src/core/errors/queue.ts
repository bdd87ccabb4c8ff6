import type { ErrorSpec } from './registry.ts'

/** 7xxx: the queue. */
export const queueErrors = {
  'CSW-7001': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The queue cannot be reached.',
    action: 'Check Redis or Postgres; pending work is found again from the ledger when it is back.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
