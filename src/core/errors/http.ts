import type { ErrorSpec } from './registry.ts'

/** 8xxx: admin API, webhook intake and command line. */
export const httpErrors = {
  'CSW-8001': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The request carries no valid admin token.',
    action: 'Send `Authorization: Bearer <token>`; `causeway start` prints where the token is kept.',
  },
  'CSW-8002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'There is nothing under this address.',
    action: 'Check the address against `/openapi.json`.',
  },
  'CSW-8003': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The request is not what this address accepts.',
    action: 'Correct the parameters named in `errors`.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
