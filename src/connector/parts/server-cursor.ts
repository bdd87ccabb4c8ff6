/** Reading changes by a mark that the system gives and that only it understands: delta links, sync tokens. */
import { choice, expression, part, type ValueOf } from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'

export const serverCursorPart = part({
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
  },
  example: `
read:
  path: /items/delta
  records: response.value
  paging: { kind: next-url, next: "response.\`@odata.nextLink\`" }
  server_cursor: { next: "response.\`@odata.deltaLink\`", as: url }
`,
})
export type ServerCursor = ValueOf<typeof serverCursorPart>
