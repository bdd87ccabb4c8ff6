/** How hard a connection may press. */
import { integer, number, part, type ValueOf } from '../language/index.ts'

export const limitsPart = part({
  title: 'Limits',
  sense: 'How many calls the system takes. They hold for all work of a connection together.',
  fields: {
    concurrent: integer({ sense: 'Calls under way at once.', default: 4, minimum: 1, maximum: 64 }),
    per_second: number({
      sense: 'Calls a second; without it there is no limit but what the system itself says.',
      minimum: 0.01,
    }),
    timeout_seconds: number({
      sense: 'For one call, from the first byte sent to the last one read.',
      default: 30,
      minimum: 1,
      maximum: 900,
    }),
    max_answer_mb: number({
      sense: 'Larger answers are cut off and count as failures.',
      default: 32,
      minimum: 1,
      maximum: 1024,
    }),
    attempts: integer({
      sense: 'How often a call is tried before its failure is reported, where trying again is safe and may help.',
      default: 3,
      minimum: 1,
      maximum: 10,
    }),
  },
  example: 'limits: { concurrent: 4, per_second: 10 }',
})
export type Limits = ValueOf<typeof limitsPart>

export const DEFAULT_LIMITS: Limits = {
  concurrent: 4,
  per_second: undefined,
  timeout_seconds: 30,
  max_answer_mb: 32,
  attempts: 3,
}
