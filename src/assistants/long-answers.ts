import { randomBytes } from 'node:crypto'
import { CausewayError } from '../core/index.ts'

/** Characters of one answer: some 12,000 tokens of a model. */
const MAX_CHARACTERS = 48_000
/** What is kept for who reads on: the oldest goes first. */
const MAX_KEPT_CHARACTERS = 16_000_000

export type Piece = { text: string; from: number; of: number; next: string | null }

/** Answers that are too long for one message, kept as they were so that their pieces fit together. */
export class LongAnswers {
  readonly #kept = new Map<string, string>()

  /** The first piece of a long answer; undefined for one that is short enough. */
  cut(answer: string): Piece | undefined {
    if (answer.length <= MAX_CHARACTERS) return undefined
    const key = randomBytes(12).toString('base64url')
    this.#kept.set(key, answer)
    let all = [...this.#kept.values()].reduce((sum, { length }) => sum + length, 0)
    for (const [old, { length }] of this.#kept) {
      if (all <= MAX_KEPT_CHARACTERS || old === key) break
      this.#kept.delete(old)
      all -= length
    }
    return piece(key, answer, 0)
  }

  /** Reads on. The cursor is what the piece before gave as `next`. */
  next(cursor: string): Piece {
    const [key = '', from = ''] = cursor.split('.')
    const answer = this.#kept.get(key)
    const start = /^\d{1,9}$/.test(from) ? Number(from) : -1
    if (answer === undefined || start < 0 || start >= answer.length)
      throw new CausewayError('CSW-8003', {
        what: 'There is no such cursor, or what it belongs to is not kept any more.',
        fix: 'Ask the tool that gave it again.',
      })
    return piece(key, answer, start)
  }
}

function piece(key: string, answer: string, from: number): Piece {
  let to = Math.min(from + MAX_CHARACTERS, answer.length)
  // Not between the halves of one character.
  if (to < answer.length && /[\uD800-\uDBFF]/.test(answer[to - 1]!)) to--
  return { text: answer.slice(from, to), from, of: answer.length, next: to < answer.length ? `${key}.${to}` : null }
}
