import { expect, test } from 'vitest'
import type { Column } from '../../../src/connector/protocols/sql/dialect.ts'
import { mysqlDialect } from '../../../src/connector/protocols/sql/mysql.ts'
import { parseExact } from '../../../src/core/index.ts'

const column = (type: string) => ({ name: 'c', type }) as Column
const of = (json: string, type: string) => mysqlDialect.parameter(parseExact(json), column(type))

test('values become parameters by the type of their column, exactly', () => {
  expect(of('null', 'int')).toBeNull()
  expect(of('true', 'tinyint(1)')).toBe('1')
  expect(of('9223372036854775807', 'bigint')).toBe('9223372036854775807')
  expect(of('0.10', 'decimal(9,2)')).toBe('0.10')
  expect(of('"AP8="', 'varbinary(9)')).toEqual(Buffer.from([0, 255]))
  expect(of('"2026-01-02T03:04:05+01:00"', 'datetime')).toMatch(/^2026-01-02 02:04:05/)
  expect(of('"x"', 'json')).toBe('"x"')
  expect(of('{"a":[1]}', 'json')).toBe('{"a":[1]}')
  expect(() => of('[1]', 'int')).toThrow(expect.objectContaining({ code: 'CSW-2056' }))
})
