/** A hub with a two-way sync between two systems behind the connector contract. */
import type { JsonObject } from '../../src/core/index.ts'
import type { ConflictPolicy, TwoWay } from '../../src/mapping/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

type Fields = Record<string, string>
type Options = {
  name?: string
  policy?: ConflictPolicy
  fields?: Record<string, ConflictPolicy>
  deletes?: 'ignore' | 'delete'
  /** Fields that only `map` writes. */
  oneWay?: string[]
}

/** A two-way sync that copies fields, as the mapping room makes it of `both`. */
export function pair(from: string, to: string, both: Fields, options: Options = {}): TestSync[] {
  const { name = 'people', policy = 'ask', fields = {}, deletes = 'delete', oneWay = [] } = options
  const pairs = Object.fromEntries(
    Object.entries(both).flatMap(([left, right]) => (oneWay.includes(right) ? [] : [[right, left]])),
  )
  const side = (direction: TwoWay['direction']): TwoWay => ({
    direction,
    partner: direction === 'forward' ? `${name}~back` : name,
    conflict: {
      default: policy,
      fields:
        direction === 'forward'
          ? fields
          : Object.fromEntries(Object.entries(fields).map(([to, one]) => [pairs[to], one])),
    },
    pairs: Object.fromEntries(
      Object.entries(pairs).map(([right, left]) => (direction === 'forward' ? [right, [left]] : [left, [right]])),
    ),
    paths: {},
  })
  const copy = (map: Fields) => (record: JsonObject) =>
    one(
      Object.fromEntries(
        Object.entries(map).flatMap(([at, as]) => (Object.hasOwn(record, at) ? [[as, record[at]!]] : [])),
      ),
    )
  const shared = { deletes, deleteLimits: { maxShare: 1, maxCount: 100 } } as const
  return [
    { name, from, to, match: [[both.email ?? 'email']], run: copy(both), twoWay: side('forward'), ...shared },
    { name: `${name}~back`, from: to, to: from, match: [['email']], run: copy(pairs), twoWay: side('back'), ...shared },
  ]
}

export const SAME = { email: 'email', name: 'name', phone: 'phone', tags: 'tags' }

export async function open(options: Options & { both?: Fields; knowsEchoes?: false } = {}) {
  const crm = new MemorySystem().stream('contacts')
  const desk = new MemorySystem().stream('users')
  const hub = await TestHub.open({ crm, desk }, pair('crm:contacts', 'desk:users', options.both ?? SAME, options))
  if (options.knowsEchoes === false) hub.ports.knowsEchoes = false
  /** Everything there is to read is read and delivered, until nobody writes any more or the rounds are over. */
  const cycle = async (rounds = 3): Promise<number> => {
    let last = 0
    for (let round = 0; round < rounds; round++) {
      const before = crm.journal.length + desk.journal.length
      await hub.pull('crm:contacts')
      await hub.pull('desk:users')
      await hub.push('people')
      await hub.push('people~back')
      await hub.skipWaits()
      last = crm.journal.length + desk.journal.length - before
    }
    return last
  }
  const conflicts = async () =>
    (
      await hub.pool.query(
        'select id, field, side, base, from_value as "from", to_value as "to", state, decision from conflict order by id',
      )
    ).rows
  return { crm, desk, hub, cycle, conflicts, left: () => crm.list('contacts'), right: () => desk.list('users') }
}

export const anna = { email: 'a@example.test', name: 'Anna', phone: '1', tags: ['x'] }
export const edit = (system: MemorySystem, stream: string, values: JsonObject): void => {
  const [row] = system.list(stream)
  system.put(stream, row!.id, { ...row!.body, ...values })
}
