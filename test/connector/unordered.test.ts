import { expect, test } from 'vitest'
import type { SourceRecord } from '../../src/connector/index.ts'
import { recordReader } from '../../src/connector/manifest/record.ts'
import { type Json, parseExact } from '../../src/core/index.ts'

const key = { source: 'record.id', place: { file: 'x' }, evaluate: () => 'id', looksInto: new Set<string>() }
const reader = (lists?: string[]) =>
  recordReader(
    { stream: 's', key, version: undefined, deleted: undefined, aliases: undefined, unordered: { lists } },
    {},
  )
const textOf = (body: Json, lists?: string[]) => JSON.stringify((reader(lists)(body) as SourceRecord).body)

test('fields in another order make the same record; lists count, but for those whose order means nothing', () => {
  const one = parseExact('{"b":{"y":1.0,"x":[2,1]},"tags":[{"n":2,"m":1},{"m":0}]}')
  const other = parseExact('{"tags":[{"m":0},{"m":1,"n":2}],"b":{"x":[2,1],"y":1.0}}')
  expect(textOf(one, ['tags'])).toBe(textOf(other, ['tags']))
  expect(textOf(one)).not.toBe(textOf(other))
  expect(textOf(one)).toBe('{"b":{"x":[2,1],"y":1.0},"tags":[{"m":1,"n":2},{"m":0}]}')
})
