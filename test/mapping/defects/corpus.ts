/** The mappings into which defects are planted: the worked ones with the streams they join, and two of richer expressions. */
import { join } from 'node:path'
import { parse } from 'yaml'
import { checkHub } from '../../../src/config/index.ts'
import { loadConnectors } from '../../../src/connector/index.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import {
  type CheckedStream,
  loadMappings,
  readSoundMapping,
  type StreamAddress,
  type SyncDefinition,
} from '../../../src/mapping/index.ts'

const ROOT = join(import.meta.dirname, '../../..')

export type Systems = {
  from: CheckedStream
  to: CheckedStream
  joins: Record<string, CheckedStream | undefined>
  syncs: readonly SyncDefinition[]
}
export type Planted = { sync: string; content: Record<string, unknown>; systems: Systems }

const ABLE = { read: true, create: true, update: true, upsert: false, delete: true, content: false, lookup: ['number'] }
const text = (more: JsonObject = {}): JsonObject => ({ type: 'string', ...more })
const maybe = (more: JsonObject = {}): JsonObject => ({ type: ['string', 'null'], ...more })
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more })
const list = (items: JsonObject): JsonObject => ({ type: 'array', items })
const DECIMAL = { pattern: '^-?\\d+(\\.\\d{1,4})?$' }

const ORDERS = object(
  {
    number: text({ maxLength: 40 }),
    externalKey: { type: 'integer', format: 'int64' },
    customerId: text(),
    comment: maybe({ maxLength: 4000 }),
    status: text({ enum: ['open', 'paid', 'shipped', 'cancelled'] }),
    total: text(DECIMAL),
    priority: { type: 'integer' },
    placedAt: text({ format: 'date-time' }),
    delivery: object(
      { city: text({ maxLength: 80 }), country: text({ pattern: '^[A-Z]{2}$' }), street: maybe() },
      { additionalProperties: false },
    ),
    lines: list(
      object({
        product: text(),
        quantity: { type: 'number' },
        amount: text(DECIMAL),
        discounts: list(object({ reason: text(), percent: { type: 'number' } })),
      }),
    ),
    labels: list(text()),
  },
  { additionalProperties: false },
)
const CUSTOMERS = object(
  { name: text({ maxLength: 200 }), email: maybe(), currency: text({ enum: ['PLN', 'EUR'] }) },
  { additionalProperties: false },
)
const LEDGER_ORDERS = object(
  {
    number: text({ maxLength: 40 }),
    title: text({ maxLength: 60 }),
    state: text({ enum: ['new', 'done', 'void'] }),
    customer: maybe(),
    currency: text({ enum: ['PLN', 'EUR'] }),
    note: maybe({ maxLength: 4000 }),
    total: { type: ['string', 'null'] },
    city: maybe({ maxLength: 80 }),
    country: text({ pattern: '^[A-Z]{2}$' }),
    rank: { type: 'integer', minimum: 0, maximum: 9 },
    products: list(text()),
    reasons: list(text()),
    items: list(
      object({ product: text(), count: { type: 'number' } }, { required: ['product'], additionalProperties: false }),
    ),
    tags: list(text({ enum: ['web', 'vip', 'late'] })),
    address: object(
      { city: text({ maxLength: 80 }), street: maybe({ maxLength: 100 }) },
      { required: ['city'], additionalProperties: false },
    ),
  },
  { required: ['number', 'title', 'state', 'country'], additionalProperties: false },
)

const SHOP = `sync: shop-orders-to-ledger
from: shop:orders
to: ledger:orders
match: [number]
with:
  customer: { from: shop:customers, key: customerId }
when: status != "cancelled" and priority > 0
map:
  number: number
  title: '"Order " & $substring(number, 0, 40)'
  state: 'status = "paid" ? "done" : status = "shipped" ? "done" : "new"'
  customer: $customer.name
  currency: '$customer.currency ? $customer.currency : "PLN"'
  note: 'comment ? $substring($trim(comment), 0, 200) & " (" & delivery.city & ")" : null'
  total: $decimalRound($decimalSum(lines.amount), 2)
  city: $uppercase(delivery.city)
  country: delivery.country
  rank: '$count(lines[quantity > 10]) > 3 ? 9 : 1'
  products: '[lines.product]'
  reasons: '[lines.discounts[percent > 5].reason]'
  items: '[lines[quantity > 0].{ "product": product, "count": quantity }]'
  tags: ['"web"']
  address: { city: delivery.city, street: delivery.street }
`
const LINES = `sync: shop-lines-to-ledger
from: shop:orders
to: ledger:lines
match: [key]
each:
  of: lines
  key: $item.product
  map:
    key: number & "-" & $item.product
    name: '$item.product ~> $uppercase'
    owner: $ref("ledger:customers", "shop:customers", customerId)
    count: $item.quantity
    reasons: '$map($item.discounts, function($one) { $one.reason & " " & $one.percent })[]'
    state: '(
        $late := $count(labels[$ = "late"]) > 0;
        $late ? "late" : $item.quantity > 100 ? "bulk" : "usual"
      )'
`
const LEDGER_LINES = object(
  {
    key: text({ maxLength: 100 }),
    name: text(),
    owner: maybe(),
    count: { type: 'number' },
    reasons: list(text()),
    state: text({ enum: ['usual', 'bulk', 'late'] }),
  },
  { required: ['key', 'name', 'count'] },
)
const CUSTOMER_SYNC = 'from: shop:customers\nto: ledger:customers\nmap: { name: name }\n'

/** Mappings that are sound, with all that is known of their systems. */
export async function corpus(): Promise<Planted[]> {
  return [...(await workedMappings()), ...ownMappings()]
}

async function workedMappings(): Promise<Planted[]> {
  const { syncs } = await loadMappings(join(ROOT, 'mappings'))
  const hub = await checkHub({ folder: ROOT, env: {} })
  const used = new Set([...hub.connections.values()].map(({ connector }) => connector))
  const connectors = loadConnectors([join(ROOT, 'connectors')], used)
  const streamOf = ({ connection, stream }: StreamAddress): CheckedStream =>
    connectors.get(hub.connections.get(connection)!.connector).streams.get(stream)!
  return syncs
    .filter(({ tags }) => tags.includes('sample'))
    .map((sync) => ({
      sync: sync.name,
      content: contentOf(sync.source),
      systems: {
        from: streamOf(sync.from),
        to: streamOf(sync.to),
        joins: Object.fromEntries(sync.joins.map((one) => [one.name, streamOf(one.from)])),
        syncs,
      },
    }))
}

function ownMappings(): Planted[] {
  const syncs = [SHOP, LINES, CUSTOMER_SYNC].map((source, i) => readSoundMapping(source, `own-${i}.yaml`).definition)
  const from: CheckedStream = { readSchema: ORDERS, abilities: ABLE }
  const joins = { customer: { readSchema: CUSTOMERS, abilities: ABLE } }
  const to = (writeSchema: JsonObject, lookup: string[]): CheckedStream => ({
    writeSchema,
    abilities: { ...ABLE, lookup },
  })
  return [
    {
      sync: 'shop-orders-to-ledger',
      content: contentOf(SHOP),
      systems: { from, to: to(LEDGER_ORDERS, ['number']), joins, syncs },
    },
    {
      sync: 'shop-lines-to-ledger',
      content: contentOf(LINES),
      systems: { from, to: to(LEDGER_LINES, ['key']), joins: {}, syncs },
    },
  ]
}

/** Without its tests, which say nothing about systems. */
function contentOf(source: string): Record<string, unknown> {
  const { tests, ...content } = parse(source) as Record<string, unknown>
  return content
}
