/** The first look at what was just written: how the target stored it is agreed, and what changes later is an edit. */
import { asCausewayError, isObject, type JsonObject } from '../core/index.ts'
import { fetchEach } from './fetch-each.ts'
import type { Lane, Work } from './work.ts'

/** A written record as the target shows it. `isOurs`: nothing says that somebody edited it since our write. */
export type Look = { body: JsonObject; version: string | null; isOurs: boolean }

/** One call for all that were written. What cannot be looked at is missing; the next pull has to tell then. */
export async function lookAfter(lane: Lane, works: Work[]): Promise<Map<Work, Look>> {
  const ids = [...new Set(works.map((work) => work.targetId!))]
  if (!ids.length) return new Map()
  try {
    const { found } = await fetchEach(lane, ids)
    return new Map(
      works.flatMap((work): [Work, Look][] => {
        const record = found.get(work.targetId!)
        if (!record || record.deleted || !isObject(record.body)) return []
        return [
          [
            work,
            { body: record.body, version: record.version, isOurs: isSameVersion(work.wroteVersion, record.version) },
          ],
        ]
      }),
    )
  } catch (thrown) {
    const { code } = asCausewayError(thrown)
    if (code !== 'CSW-2003')
      lane.ports.log.warn({ sync: lane.sync.name, code }, 'what was written could not be looked at')
    return new Map()
  }
}

/** Answers of writes spell versions in their own way; one that cannot be compared says nothing. */
function isSameVersion(wrote: string | undefined, shown: string | null): boolean {
  if (wrote === undefined || shown === null || wrote === shown) return true
  const [a, b] = [wrote, shown].map((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))
  return Number.isNaN(a) || Number.isNaN(b) || a === b
}
