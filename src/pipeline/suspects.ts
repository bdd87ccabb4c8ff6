import { CausewayError, type SerializedError } from '../core/index.ts'
import type { Lane, Settlement, Work } from './work.ts'

/*
 * A record can end the whole process. Whoever takes its work over finds out which one it was: writes that were under way then
 * are sent apart from now on, and where there were none, records are handled alone from the beginning.
 */

/** So many deaths and a record is set aside: one in a batch, one in a small group, one by itself. */
export const DEATHS = 3
/** What was under way at one death is sent in groups of so many records: alone, a batch would take ten times as long. */
const GROUP = 10
/**
 * So many records or webhooks are handled alone after a death over nobody knows what. Fewer than a batch, because most deaths are
 * no record's fault and the rest waits meanwhile; one further behind costs another death for each time this many.
 */
export const CAREFUL = 50

const deathsOf = (work: Work): number => Math.max(0, ...work.unfinished.map(({ deaths }) => deaths))

/**
 * Takes out what is to be sent apart from the rest, all works of a record together: alone after two deaths, in small groups after
 * one. What has ended its process often enough is not sent at all.
 */
export function takeSuspects(lane: Lane, works: Work[]): { alone: Work[][]; groups: Work[][]; together: Work[] } {
  const deaths = new Map<string, number>()
  for (const work of works) {
    if (work.settlement || !work.operation) continue
    const count = deathsOf(work)
    if (count >= DEATHS) work.settlement = setAside(lane, work)
    else if (count) deaths.set(work.record.id, Math.max(count, deaths.get(work.record.id) ?? 0))
  }
  const after = (count: number): string[] => [...deaths].flatMap(([id, n]) => (n === count ? [id] : []))
  const worksOf = (ids: string[]): Work[] => works.filter((work) => ids.includes(work.record.id))
  return {
    alone: after(2).map((id) => worksOf([id])),
    groups: chunks(after(1), GROUP).map(worksOf),
    together: works.filter((work) => !deaths.has(work.record.id)),
  }
}

const chunks = <T>(items: T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))

/** A create that may have taken effect stays open, so that a requeue looks first. Other writes are simply repeated. */
function setAside(lane: Lane, work: Work): Settlement {
  const error = killed(lane, work.record.id)
  return { state: 'dead', dead: true, error, ...(work.doubt ? {} : { intent: 'close' }) }
}

/** Why a record is set aside. */
export function killed(lane: Lane, record: string): SerializedError {
  lane.ports.log.error({ sync: lane.sync.name, lane: lane.lane, code: 'CSW-5015' }, 'a record that ends its worker')
  const what = `The worker process ended ${DEATHS} times while it handled the record "${record}".`
  return new CausewayError('CSW-5015', { what }).toJSON()
}
