/** Answers that come packed: a tar archive, gzipped or not, of JSON files that hold the answers to many requests. */
import { unpackTar } from 'modern-tar'
import { CausewayError, isObject, type Json, type JsonObject, parseExact } from '../../core/index.ts'
import { inflated } from '../../outbound/index.ts'
import type { Unpack } from './answer.ts'
import { listOf } from './read-checks.ts'

/**
 * Reads the answers in all files of an archive as one list. `jsonText` names the member of each answer that is itself JSON
 * written as a text; one that holds something else stays as it is. At most `cap` bytes are inflated, else it throws CSW-3011.
 */
export const archiveReader =
  (jsonText: string | undefined): Unpack =>
  async (bytes, cap) => {
    let files: Awaited<ReturnType<typeof unpackTar>>
    try {
      // Without `strict` a cut archive would pass for a shorter one, and records that were written would be sent again.
      files = await unpackTar(await unzipped(bytes, cap), { strict: true, filter: ({ type }) => type === 'file' })
    } catch (error) {
      if (error instanceof CausewayError && error.code === 'CSW-3011') throw error
      return { fault: 'it is no archive (tar), or one that was cut' }
    }
    const answers: Json[] = []
    for (const { data } of files) {
      const read = answersIn(data ?? new Uint8Array())
      if (read === null) return { fault: 'a file of its archive is no JSON' }
      for (const answer of read) answers.push(jsonText === undefined ? answer : withText(answer, jsonText))
    }
    return { value: answers }
  }

const isZipped = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

const unzipped = async (bytes: Buffer, cap: number): Promise<Buffer> =>
  isZipped(bytes) ? inflated(bytes, 'gzip', cap) : bytes

/** Answers of one file: a list, or a single one; null where it is no JSON. */
function answersIn(data: Uint8Array): Json[] | null {
  try {
    return listOf(parseExact(new TextDecoder('utf-8', { fatal: true }).decode(data)))
  } catch {
    return null
  }
}

/** The answer with what its text says. A proxy may have answered a page, and a delete answers nothing. */
function withText(answer: Json, member: string): Json {
  if (!isObject(answer)) return answer
  const text = (answer as JsonObject)[member]
  if (typeof text !== 'string') return answer
  try {
    return { ...(answer as JsonObject), [member]: parseExact(text) }
  } catch {
    return answer
  }
}
