/** Reading changes from a log that the system keeps beside its lists, for as long as it remembers them. */
import { type Expression, expression, type Field, type Fields, integer, part, section } from '../language/index.ts'
import { type Incremental, incrementalPart } from './incremental.ts'
import { type PageSpec, pageFields } from './page-fields.ts'
import type { Paging } from './paging.ts'
import { unusedNames } from './read-checks.ts'
import { shifted, sortableTimestamp } from './timestamps.ts'

const EXAMPLE = `
read:
  path: /customers
  query: { after: "\${ cursor }" }
  records: response.items
  paging: { kind: cursor, next: response.next }
  changes:
    path: /events
    query: { about: customer, since: "\${ since }", after: "\${ cursor }" }
    records: response.events
    paging: { kind: cursor, next: response.next }
    incremental: { value: record.created, format: epoch, overlap_seconds: 300 }
    id: record.customer_id
    deleted: record.type = "customer.deleted"
    keeps_seconds: 2592000
fetch: { path: "/customers/\${ id }" }
`

/** The `changes` of a read; `request` gives the fields of the protocol's requests. */
export const changeLogPart = <R extends Fields>(
  request: (names: readonly string[]) => R,
  names: readonly string[],
  paging: Field<Paging>,
) => {
  // How far the log reaches back is known beforehand: it refuses nothing.
  const { expired: _, ...page } = pageFields(paging)
  return part({
    title: 'Changes',
    sense:
      'For lists that cannot be asked for changes, where the system keeps a log of them: this request gives its entries (`records`) and each record they are about is then read as `fetch` says. The list itself is read by the first pull, by full ones, and when the last pull was longer ago than the log remembers; what changes from its beginning on is read from the log.',
    fields: {
      ...request(names),
      ...page,
      incremental: section(incrementalPart, {
        sense: 'When an entry was made (`record` is the entry), and how the log is asked from then on.',
        required: true,
      }),
      id: expression({
        sense: 'Id of the record that an entry is about.',
        names: ['record', 'settings'],
        required: true,
        example: 'record.customer_id',
      }),
      deleted: expression({
        sense: 'True for an entry which says that the record is gone. It is not fetched then.',
        names: ['record', 'settings'],
        example: 'record.type = "customer.deleted"',
      }),
      keeps_seconds: integer({
        sense: 'How long an entry stays in the log.',
        required: true,
        minimum: 1,
        example: 2_592_000,
      }),
    },
    check: (value) => [
      ...unusedNames(value, value.paging, value.incremental),
      ...(value.incremental.type === 'timestamp'
        ? []
        : [
            {
              field: 'incremental.type',
              message: 'how long ago the last pull was can be told by timestamps only',
              fix: 'Leave `type` out, and use the moment of an entry.',
            },
          ]),
    ],
    ...('path' in request([]) ? { example: EXAMPLE } : {}),
  })
}

export type ChangeLog<R> = R &
  PageSpec & {
    incremental: Incremental
    id: Expression
    deleted: Expression | undefined
    keeps_seconds: number
  }

/** Whether the log still tells all that changed since a moment. */
export function isRemembered<R>({ keeps_seconds, incremental }: ChangeLog<R>, since: string, now: Date): boolean {
  const oldest = shifted(sortableTimestamp(now.toISOString())!, -keeps_seconds * 1000)
  return shifted(since, -incremental.overlap_seconds * 1000) > oldest
}

const DAY_MS = 86_400_000

/**
 * How far a log has been read: to its newest entry, as the system dates it. Where there is none the mark follows our own clock a
 * day behind, so that a stream in which nothing happens for long does not fall out of what the log remembers.
 */
export function markInLog<R>(
  { keeps_seconds }: Pick<ChangeLog<R>, 'keeps_seconds'>,
  { upTo, began, before }: { upTo: string | null; began: string; before: string | null },
): string {
  const behind = shifted(began, -Math.min(DAY_MS, keeps_seconds * 500))
  return [upTo ?? '', before ?? '', behind].sort().at(-1)!
}
