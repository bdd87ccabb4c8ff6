import { CausewayError, type SerializedError } from '../core/index.ts'
import type { Ports } from './ports.ts'
import type { Lane, Settlement, Work } from './work.ts'

/*
 * A record can end the whole process. Whoever takes its work over finds out which one it was: writes that were under way then
 * are sent apart from now on, and where there were none, records are handled alone from the beginning.
 */

/** So many deaths and a record is set aside: one in a batch, one in a small group, one by itself. */
export const DEATHS = 3
/** So many in times in which processes end over and over, most of them over nothing that they handled. */
const DEATHS_IN_A_STORM = 5
/** Two records that end their workers, met at the same time, make no storm. */
const STORM = 2 * DEATHS
/** What was under way at one death is sent in groups of so many records: alone, a batch would take ten times as long. */
const GROUP = 10
/**
 * So many records or webhooks are handled alone after a death over nobody knows what. Fewer than a batch, because most deaths are
 * no record's fault and the rest waits meanwhile; one further behind costs another death for each time this many.
 */
export const CAREFUL = 50

/**
 * Whether a record or event is set aside after so many deaths. Where many processes end anyway, a death says little of what was under
 * way then: each one more that is asked for makes it some fifty times less likely that a bystander is set aside.
 */
export async function isEnough(deaths: number, { ledger }: Pick<Ports, 'ledger'>): Promise<boolean> {
  if (deaths < DEATHS) return false
  return deaths >= DEATHS_IN_A_STORM || (await ledger.countSilentWorkers()) <= STORM
}

const deathsOf = ({ unfinished }: Work): number =>
  unfinished.length ? Math.max(...unfinished.map(({ deaths }) => deaths)) : 0

/** Whether one more death would set one of these aside. */
export const isLastTry = (works: Work[], ports: Pick<Ports, 'ledger'>): Promise<boolean> =>
  isEnough(Math.max(...works.map(deathsOf)) + 1, ports)

/**
 * Takes out what is to be sent apart from the rest, all works of a record together: alone after two deaths, in small groups after
 * one. What has ended its process often enough is not sent at all.
 */
export async function takeSuspects(
  lane: Lane,
  works: Work[],
): Promise<{ alone: Work[][]; groups: Work[][]; together: Work[] }> {
  const deaths = new Map<string, number>()
  for (const work of works) {
    if (work.settlement || !work.operation) continue
    const count = deathsOf(work)
    // Nearly all of them, and a promise for each would cost more than the rest of this.
    if (count === 0) continue
    if (await isEnough(count, lane.ports)) work.settlement = setAside(lane, work, count)
    else deaths.set(work.record.id, Math.max(count, deaths.get(work.record.id) ?? 0))
  }
  const after = (is: (count: number) => boolean): string[] => [...deaths].flatMap(([id, n]) => (is(n) ? [id] : []))
  const worksOf = (ids: string[]): Work[] => works.filter((work) => ids.includes(work.record.id))
  return {
    alone: after((count) => count > 1).map((id) => worksOf([id])),
    groups: chunks(
      after((count) => count === 1),
      GROUP,
    ).map(worksOf),
    together: works.filter((work) => !deaths.has(work.record.id)),
  }
}

const chunks = <T>(items: T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))

/** A create that may have taken effect stays open, so that a requeue looks first. Other writes are simply repeated. */
function setAside(lane: Lane, work: Work, deaths: number): Settlement {
  const error = killed(lane, work.record.id, deaths)
  return { state: 'dead', dead: true, error, ...(work.doubt ? {} : { intent: 'close' }) }
}

/** Why a record is set aside after so many deaths. */
export function killed(lane: Lane, record: string, deaths: number): SerializedError {
  lane.ports.log.error({ sync: lane.sync.name, lane: lane.lane, code: 'CSW-5015' }, 'a record that ends its worker')
  const what = `The worker process ended ${deaths} times while it handled the record "${record}".`
  return new CausewayError('CSW-5015', { what }).toJSON()
}
