import { CausewayError, isObject, type JsonObject, parseExact } from '../core/index.ts'
import type { Lane, Work } from './work.ts'

/** What the target holds of a record now. `body` null: not known, or not there. */
export type There = { body: JsonObject | null; version: string | null; missing: boolean; fromLog: boolean }

/**
 * Reads what the targets of these works hold, just before they are written, so that an edit that was not pulled yet is not run
 * over. One call for all; where the target gives no single records, its stream in the log tells, as far as it is newer than our
 * last write.
 */
export async function askAgain(lane: Lane, works: Work[]): Promise<Map<Work, There>> {
  const ids = [...new Set(works.map((work) => work.targetId!))]
  try {
    const records = await lane.target.fetch({ stream: lane.sync.to.stream, ids, signal: lane.signal })
    const found = new Map(records.filter((record) => !record.deleted).map((record) => [record.id, record]))
    return new Map(
      works.map((work) => {
        const record = found.get(work.targetId!)
        return [
          work,
          {
            body: record?.body ?? null,
            version: record?.version ?? null,
            missing: !record,
            fromLog: false,
          },
        ]
      }),
    )
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return fromLog(lane, works, ids)
    throw error
  }
}

async function fromLog(lane: Lane, works: Work[], ids: string[]): Promise<Map<Work, There>> {
  const rows = new Map((await lane.ports.ledger.readBodies(lane.row.toStream, ids)).map((row) => [row.id, row]))
  return new Map(
    works.map((work) => {
      const row = rows.get(work.targetId!)
      const { wrote } = work.merge!.mark
      const isNews =
        row && !row.deleted && row.body !== null && !(wrote && row.observedAt.getTime() <= Date.parse(wrote))
      const body = isNews ? parseExact(row.body!) : null
      return [
        work,
        {
          body: isObject(body) ? (body as JsonObject) : null,
          version: row?.version ?? null,
          missing: row?.deleted === true,
          fromLog: true,
        },
      ]
    }),
  )
}
