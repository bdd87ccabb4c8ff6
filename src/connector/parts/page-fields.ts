/** Fields of every request whose answer is a page of records. */
import { type CompiledPart, expression, type Field, template } from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { EACH_NAMES } from './for-each.ts'
import type { Paging } from './paging.ts'

export const pageFields = (paging: Field<Paging>) => ({
  records: expression({
    sense: 'Where the records stand in the answer. No value means none; a single object counts as one.',
    names: [...ANSWER_NAMES, 'page', ...EACH_NAMES],
    default: 'response',
    example: 'response.data',
  }),
  page_size: template({
    sense: 'Value of `page.size`: how many records to ask for.',
    names: ['settings'],
    default: '100',
  }),
  paging,
  empty: expression({
    sense: 'True for an answer that looks like a failure and means: no records.',
    names: ANSWER_NAMES,
    example: 'status = 404',
  }),
  expired: expression({
    sense: 'True for an answer that refuses a stored cursor as too old; the pass then begins anew.',
    names: ANSWER_NAMES,
    example: 'status = 410',
  }),
})

export type PageSpec = CompiledPart<ReturnType<typeof pageFields>>
