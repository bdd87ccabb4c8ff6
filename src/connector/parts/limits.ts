/** How hard a connection may press. */
import {
  choice,
  expression,
  integer,
  list,
  number,
  part,
  section,
  template,
  text,
  type ValueOf,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'

const REQUEST_NAMES = ['method', 'path', 'purpose', 'cost', 'settings'] as const

const bucketPartOf = (extra: readonly string[]) => {
  const names = [...ANSWER_NAMES, ...extra]
  return part({
    title: 'Bucket',
    sense:
      'One of several limits that hold at the same time. Calls wait until each bucket they belong to has room. What the system says of it in its answers counts more than our own count.',
    fields: {
      name: text({ sense: 'Its name, for messages.', required: true, pattern: '^[a-z][a-z0-9_]*$', example: 'daily' }),
      calls: template({
        sense: 'How many calls (or units of `cost`) it allows.',
        names: ['settings'],
        required: true,
        example: 190,
      }),
      per: number({ sense: 'In how many seconds.', required: true, minimum: 0.01, example: 10 }),
      refill: choice(['window', 'steady'], {
        sense:
          '`window`: at most `calls` in any `per` seconds. `steady`: a bucket that holds `calls` and refills evenly, so that a burst may empty it.',
        default: 'window',
      }),
      when: expression({
        sense:
          'True for the requests that count; without it, all do. `path` is what follows `base_url`, without query; `purpose` is read or write.',
        names: REQUEST_NAMES,
        example: 'method = "POST" and $contains(path, "/search")',
      }),
      cost: expression({
        sense: 'What a request costs; one unit without it. `cost` is what the request itself says, or 1.',
        names: REQUEST_NAMES,
        example: 'path = "/deals" ? 20 : 10',
      }),
      scope: template({
        sense: 'Connections that give the same text share the bucket; without it, it belongs to the connection.',
        names: ['settings'],
        example: `\${ settings.account }`,
      }),
      remaining: expression({
        sense: 'Units that are left, where answers say so.',
        names,
        example: 'headers.`x-ratelimit-remaining`',
      }),
      limit: expression({
        sense: 'Units of a full bucket, where answers say so: plans differ.',
        names,
        example: 'headers.`x-ratelimit-limit`',
      }),
      reset: expression({
        sense: 'When it is full again, where answers say so.',
        names,
        example: 'headers.`x-ratelimit-reset`',
      }),
      reset_as: choice(['auto', 'seconds', 'milliseconds', 'epoch', 'epoch_ms'], {
        sense:
          'How `reset` is written: seconds or milliseconds from now, or a moment in seconds or milliseconds since 1970. `auto` takes dates and large numbers for moments, other numbers for seconds.',
        default: 'auto',
      }),
      policy: text({
        sense: 'Its name in the headers `RateLimit` and `RateLimit-Policy` (IETF draft), which then feed it.',
        example: 'burst',
      }),
    },
    check: ({ reset, remaining, policy }) =>
      reset && !remaining && !policy
        ? [{ field: 'reset', message: 'nothing says what is left until then', fix: 'Add `remaining`.' }]
        : [],
    example: `
limits:
  concurrent: 8
  buckets:
    - { name: burst, calls: 190, per: 10, remaining: "headers.\`x-ratelimit-remaining\`" }
    - { name: search, calls: 4, per: 1, when: '$contains(path, "/search")' }
    - { name: daily, calls: 650000, per: 86400, scope: "\${ settings.url }" }
`,
  })
}
export type BucketSpec = ValueOf<ReturnType<typeof bucketPartOf>>

/** The `limits` of a protocol; `extra` are further names its answers have. */
export const limitsPartOf = (extra: readonly string[] = []) =>
  part({
    title: 'Limits',
    sense: 'How many calls the system takes. They hold for all work of a connection together.',
    fields: {
      concurrent: integer({ sense: 'Calls under way at once.', default: 4, minimum: 1, maximum: 64 }),
      per_second: number({
        sense: 'Calls a second; without it there is no limit but what the system itself says.',
        minimum: 0.01,
      }),
      buckets: list(section(bucketPartOf(extra), { sense: 'One limit.' }), {
        sense: 'Several limits, each with a span of time of its own; all are kept.',
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
    check: ({ buckets = [] }) => {
      const names = buckets.map(({ name }) => name)
      return names.flatMap((name, index) =>
        name === 'per_second' || names.indexOf(name) < index
          ? [
              {
                field: `buckets.${index}.name`,
                message: `"${name}" is taken`,
                fix: 'Give each bucket a name of its own.',
              },
            ]
          : [],
      )
    },
    example: 'limits: { concurrent: 4, per_second: 10 }',
  })
export const limitsPart = limitsPartOf()
export type Limits = ValueOf<typeof limitsPart>

export const DEFAULT_LIMITS: Limits = {
  concurrent: 4,
  per_second: undefined,
  buckets: undefined,
  timeout_seconds: 30,
  max_answer_mb: 32,
  attempts: 3,
}
