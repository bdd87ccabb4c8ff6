/** The pages of an answer to a look-up: a search that finds by parts of texts may show the record that is meant on a later one. */
import { CausewayError, digest, type Json, type JsonObject } from '../../core/index.ts'
import { type Field, template } from '../language/index.ts'
import { type Answer, answerScope } from './answer.ts'
import { LoopGuard, nextPosition, type Paging, type Position, positionScope } from './paging.ts'

/** A search that shows more pages is no way to find one record, and would use up the quota of the connection. */
const MAX_PAGES = 20

export const lookupPageFields = (paging: Field<Paging>) => ({
  paging,
  page_size: template({
    sense: 'Value of `page.size`, for a look-up with `paging`.',
    names: ['settings'],
    default: '100',
  }),
})

type Asked = ReturnType<typeof positionScope>

/** One page: null for an answer that means "not found". `bodies` as they stand there, `records` made of them. */
type LookupPage<T> = { answer: Answer; bodies: Json[]; records: T[]; mark: string } | null

/**
 * Reads a look-up to its last page, since a value that the first one does not show would be taken for absent and created a second time.
 * `isComplete`: everything that was asked for is shown, and no more of it on the last page; then a search that goes on and on may be left.
 */
export async function lookupPages<T>(
  { paging, size, stream, settings }: { paging: Paging; size: number; stream: string; settings: JsonObject },
  page: (asked: Asked) => Promise<LookupPage<T>>,
  isComplete: (records: T[], last: T[]) => boolean,
): Promise<T[]> {
  const guard = new LoopGuard(paging, stream, {})
  const all: T[] = []
  let position: Position | null = {}
  for (let pages = 1; position; pages++) {
    guard.enter(position)
    const asked = positionScope(paging, position, size)
    const seen = await page(asked)
    if (!seen || guard.repeats(seen.mark)) return all
    all.push(...seen.records)
    const { answer, bodies, mark } = seen
    const scope = { ...answerScope(answer, settings), page: asked.page }
    position = nextPosition(paging, position, {
      answer,
      scope,
      count: bodies.length,
      size,
      mark,
      lastRecord: bodies.at(-1),
    })
    if (!position || pages < MAX_PAGES) continue
    if (isComplete(all, seen.records)) return all
    const what = `after ${MAX_PAGES} pages the look-up in ${stream} has neither shown everything that was asked for nor come to its end`
    throw new CausewayError('CSW-2013', { what })
  }
  return all
}

/** Tells two pages in a row with the same records. */
export const markOfPage = (ids: string[]): string => (ids.length ? digest(ids.join('\n')) : '')
