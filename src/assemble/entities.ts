import { CausewayError, nearestName } from '../core/index.ts'
import type { Actor, EntityPicture, EntityServices, ShownRecord } from '../http/index.ts'
import { type EntityType, mergedView, type Shown, searchKeys, visible } from '../identity/index.ts'
import type { HubModel } from '../pipeline/index.ts'
import { createIdentityBook, type RecordPair, type Store } from '../store/index.ts'
import {
  type EntityRecord,
  entityDeliveries,
  entityEvents,
  entityHistory,
  entityRecords,
  findEntities,
  listReviews,
} from '../store/views/index.ts'
import type { Recorded } from './recorded.ts'

type Parts = {
  pool: Store['pool']
  types(): readonly EntityType[]
  model(): HubModel
  recorded: Recorded
}

const MOST_EVENTS = 200

/** What the API may ask about entities. Values go through the access rules of the entity file here, and nowhere else. */
export function entityServices({ pool, types, model, recorded }: Parts): EntityServices {
  const typeOf = (name: string): EntityType => {
    const found = types().find((type) => type.name === name)
    if (found) return found
    const near = nearestName(
      name,
      types().map((type) => type.name),
    )
    throw new CausewayError('CSW-1007', {
      what: `there is no entity "${name}"`,
      ...(near ? { fix: `Did you mean "${near}"?` } : {}),
    })
  }
  const member = ({ stream, id }: { stream: string; id: string }) => {
    const colon = stream.indexOf(':')
    const streamId = model().streamId({ connection: stream.slice(0, colon), stream: stream.slice(colon + 1) })
    if (streamId === undefined) throw new CausewayError('CSW-1007', { what: `there is no stream "${stream}"` })
    return { streamId, recordId: id }
  }
  const missing = (what: string) => new CausewayError('CSW-8008', { what })
  const by = (actor: Actor) => ({ actor: actor.name, note: actor.reason })

  return {
    types: () =>
      types().map(({ name, title, records }) => ({
        entity: name,
        title,
        streams: records.map(({ from }) => `${from.connection}:${from.stream}`),
      })),
    async search(entity, text, limit) {
      const type = typeOf(entity)
      const ids = await findEntities(pool, type.name, { ...searchKeys(type, text), id: text }, limit)
      const records = Map.groupBy(await entityRecords(pool, ids), ({ entityId }) => entityId)
      return ids.flatMap((id) => (records.has(id) ? [picture(type, id, records.get(id)!, false)] : []))
    },
    async show(entity, id, { reveal, actor }) {
      const type = typeOf(entity)
      const records = await entityRecords(pool, [id])
      if (!records.some(({ shown }) => shown !== null)) return null
      if (reveal) await recorded(actor, async (_session, note) => note('entity.reveal', `entity:${entity}/${id}`))
      const [timeline, deliveries, history] = await Promise.all([
        entityEvents(pool, type.name, id, MOST_EVENTS),
        entityDeliveries(pool, id),
        entityHistory(pool, id),
      ])
      return { ...picture(type, id, records, reveal), timeline, deliveries, history }
    },
    async reviews(choice) {
      const found = await listReviews(pool, choice)
      return found.map(({ left, right, ...review }) => {
        const type = types().find(({ name }) => name === review.entity)
        const shownOf = ({ stream, id, shown }: typeof left) => ({ stream, id, fields: seen(type, shown, false) })
        return { ...review, left: shownOf(left), right: shownOf(right) }
      })
    },
    async decide(reviewId, confirmed, actor) {
      return recorded(actor, async (session, note) => {
        const decided = await createIdentityBook(session).decideReview(reviewId, { confirmed, ...by(actor) })
        if (!decided) throw missing(`Review ${reviewId} is not open.`)
        note(confirmed ? 'entity.confirm' : 'entity.reject', `review:${reviewId}`)
        return { entity: decided.type, id: decided.entityId }
      })
    },
    async merge(entity, into, from, actor) {
      typeOf(entity)
      return recorded(actor, async (session, note) => {
        const merged = await createIdentityBook(session).mergeEntities(into, from, by(actor))
        if (!merged) throw missing(`Entity ${into} or ${from} has no records.`)
        note('entity.merge', `entity:${entity}/${into}`, { from, records: merged.records })
        return merged
      })
    },
    async split(entity, id, records, actor) {
      const type = typeOf(entity)
      return recorded(actor, async (session, note) => {
        const how = { type: type.name, ...by(actor) }
        const split = await createIdentityBook(session).splitEntity(id, records.map(member), how)
        if (!split) throw missing(`None of these records is in entity ${id}, or all of them are.`)
        note('entity.split', `entity:${entity}/${id}`, { into: split.entityId, records: records.length })
        return { id: split.entityId }
      })
    },
    async import(entity, pairs, actor) {
      typeOf(entity)
      const members = pairs.map(({ left, right }) => ordered(member(left), member(right)))
      return recorded(actor, async (session, note) => {
        const result = await createIdentityBook(session).importPairs(members, { actor: actor.name })
        const { linked, known } = result
        note('entity.import', `entity:${entity}`, { linked, known, refused: result.refused.length })
        return result
      })
    },
  }
}

type Member = { streamId: number; recordId: string }

function ordered(a: Member, b: Member): RecordPair {
  const first = a.streamId < b.streamId || (a.streamId === b.streamId && a.recordId < b.recordId)
  const [left, right] = first ? [a, b] : [b, a]
  return { leftStream: left.streamId, leftId: left.recordId, rightStream: right.streamId, rightId: right.recordId }
}

const seen = (type: EntityType | undefined, shown: string | null, reveal: boolean): Record<string, string[]> =>
  type && shown !== null ? visible(type, JSON.parse(shown) as Shown, reveal) : {}

function picture(type: EntityType, id: number, records: readonly EntityRecord[], reveal: boolean): EntityPicture {
  const viewed = records.flatMap((record) =>
    record.shown === null ? [] : [{ ...record, shown: JSON.parse(record.shown) as Shown }],
  )
  return {
    entity: type.name,
    id,
    fields: mergedView(type, viewed, reveal),
    records: records.map(
      ({ stream, id: recordId, alias, changedAt, shown }): ShownRecord => ({
        stream,
        id: recordId,
        alias,
        changedAt,
        fields: seen(type, shown, reveal),
      }),
    ),
  }
}
