/** Reading changes by a mark that the system gives and that only it understands: delta links, sync tokens. */
import { choice, type Expression, expression, type Fields, part, section } from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { EACH_NAMES } from './for-each.ts'

const EXAMPLE = `
read:
  path: /items/delta
  records: response.value
  paging: { kind: next-url, next: "response.\`@odata.nextLink\`" }
  server_cursor: { next: "response.\`@odata.deltaLink\`", as: url }
`
const BEGIN_EXAMPLE = `
read:
  path: '/\${ $exists(since) ? "changes" : "items" }'
  query: { mark: "\${ since }", page: "\${ page.number }" }
  records: response.items
  paging: { kind: page }
  server_cursor:
    next: response.next_mark
    begin: { path: /changes/mark, mark: response.mark }
`

/** The `server_cursor` of a read; `request` gives the fields of the protocol's requests. */
export const serverCursorPart = <R extends Fields>(request: (names: readonly string[]) => R) => {
  const rest = 'path' in request([])
  return part({
    title: 'Server cursor',
    sense:
      'Lets a pull ask for changes by a mark from the end of the last one. Where the system has forgotten the mark (status 410, or `expired`), everything is read anew.',
    fields: {
      next: expression({
        sense: 'The mark for the next pull. The last page that gives one counts.',
        names: ANSWER_NAMES,
        required: true,
        example: 'response.`@odata.deltaLink`',
      }),
      as: choice(['value', 'url'], {
        sense: '`value`: the request carries it wherever `since` stands. `url`: it is the address to ask.',
        default: 'value',
      }),
      begin: section(
        part({
          title: 'First mark',
          sense:
            'Where the list of everything gives no mark: this request is asked before such a read begins, so that what changes meanwhile is read afterwards.',
          fields: {
            ...request(['settings', ...EACH_NAMES]),
            mark: expression({
              sense: 'The mark in its answer.',
              names: ANSWER_NAMES,
              required: true,
              example: 'response.startPageToken',
            }),
          },
          ...(rest ? { example: BEGIN_EXAMPLE } : {}),
        }),
        { sense: 'The request for a first mark, where the list of everything gives none.' },
      ),
    },
    ...(rest ? { example: EXAMPLE } : {}),
  })
}
export type ServerCursor<R> = {
  next: { evaluate: Expression['evaluate'] }
  as: 'value' | 'url'
  begin?: (R & { mark: { evaluate: Expression['evaluate'] } }) | undefined
}
