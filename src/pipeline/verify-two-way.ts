/** What a comparison of two sides has to know of a two-way sync: a difference may be the other side's edit, or a question to a person. */
import { isObject, type Json, type JsonObject, parseExact, sameJson } from '../core/index.ts'
import { topOf } from './conflict-paths.ts'
import { covers } from './diff.ts'
import { storedOf } from './merged.ts'
import type { DeliveryRow, LogBody } from './ports.ts'
import type { Lane, Work } from './work.ts'

/** Fields of which the two sides differ and that this direction leaves alone. */
export type LeftAlone = {
  /** Decided by the other direction, which has not settled the record as it stands there, or by a person who has not answered. */
  waiting: string[]
  /** Nobody is going to carry it: the other direction has seen the value and makes nothing of it. */
  standing: string[]
}

const UNSETTLED: ReadonlySet<string> = new Set(['pending', 'parked', 'in_doubt', 'dead'])

export async function leftAlone(lane: Lane, works: Work[]): Promise<Map<Work, LeftAlone>> {
  const found = works.flatMap((work): [Work, string[]][] => {
    const fields = differences(work)
    return fields.length ? [[work, fields]] : []
  })
  const partner = lane.sync.twoWay && lane.ports.model().syncByName(lane.sync.twoWay.partner)
  if (!partner || !found.length) return new Map()
  const ids = [...new Set(found.map(([{ targetId }]) => targetId!))]
  const [rows, deliveries] = await Promise.all([
    lane.ports.ledger.readBodies(lane.row.toStream, ids),
    lane.ports.ledger.readDeliveries(partner.row.id, ids),
  ])
  return new Map(
    found.map(([work, fields]) => {
      const row = rows.find(({ id }) => id === work.targetId)
      const delivery = deliveries.find(({ recordId, part }) => recordId === work.targetId && part === '')
      const isOnItsWay = onItsWay(work, row, delivery)
      const asked = questions(work)
      const waiting = fields.filter((field) => asked.has(field) || isOnItsWay(field))
      return [work, { waiting, standing: fields.filter((field) => !waiting.includes(field)) }]
    }),
  )
}

const own = (record: JsonObject, field: string): Json | undefined =>
  Object.hasOwn(record, field) ? record[field] : undefined

/** What the target shows otherwise than we want it, that is neither agreed in its spelling nor about to be sent. */
function differences({ merge, known, values }: Work): string[] {
  if (!merge?.base || !known) return []
  const stored = storedOf(merge.mark)
  return Object.entries(merge.mine).flatMap(([field, mine]) => {
    const shown = own(known, field)
    if (shown === undefined || Object.hasOwn(values.value, field) || covers(shown, mine)) return []
    const isAgreed = merge.touched.includes(field) && !merge.partly.includes(field)
    const spelling = own(stored, field)
    const isSpelling = spelling !== undefined && sameJson(shown, spelling) && sameJson(merge.before[field], mine)
    return isAgreed || isSpelling ? [] : [field]
  })
}

/** Fields that a person is asked about, whose answer the other direction has to carry out, or of which our side was read too early. */
function questions({ merge }: Work): ReadonlySet<string> {
  const { mark, partly, late } = merge!
  return new Set([...(mark.asked ?? []).map(topOf), ...partly, ...late])
}

/** An edit is on its way until the other direction has settled the record as it shows it now. */
function onItsWay(
  { known }: Work,
  row: LogBody | undefined,
  delivery: DeliveryRow | undefined,
): (field: string) => boolean {
  if (!row || row.body === null || !delivery) return () => true
  if (delivery.sourceSeq < row.seq || UNSETTLED.has(delivery.state)) return () => true
  const body = parseExact(row.body)
  const read = isObject(body) ? (body as JsonObject) : {}
  return (field) => !sameJson(own(read, field), known![field])
}
