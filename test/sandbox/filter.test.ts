import { expect, test } from 'vitest'
import { type Comparable, parseFilter } from '../../sandbox/erp/filter.ts'

const record: Record<string, Comparable> = {
  number: "O'Neil",
  country: 'PL',
  modified: Date.UTC(2026, 0, 31, 10),
  creditLimit: 19.5,
  active: true,
  email: null,
}
const knows = (name: string) => Object.hasOwn(record, name)
const matches = (filter: string) => parseFilter(filter, knows)((name) => record[name])

test.each([
  ["number eq 'o''neil'", true],
  ["number in ('a', 'O''Neil') and country ne 'DE'", true],
  [`number in ["a","O'Neil"] and country eq "P\\u004c"`, true],
  ['modified ge 2026-01-31T10:00:00Z', true],
  ['modified gt 2026-01-31T10:00:00.000Z', false],
  ['modified ge 2026-02-01', false],
  ['creditLimit lt 20 and creditLimit ge 19.5', true],
  ['not active eq true', false],
  ["country eq 'DE' or (active eq true and not (country eq 'FR'))", true],
  ["country eq 'DE' or country eq 'PL' and active eq false", false],
  ['email eq null', true],
  ['email gt 5', false],
])('%s is %s', (filter, expected) => expect(matches(filter)).toBe(expected))

test.each([
  ["nothing eq 'x'", 'position 1: there is no field "nothing"'],
  ["country like 'P'", 'position 9: "like" is not an operator'],
  ["country eq 'PL' and", 'position 20: there is no field "the end"'],
  ["(country eq 'PL'", 'position 17: ")" is missing'],
  ["country in ['PL')", 'position 17: "]" is missing'],
  ["country eq 'PL' )", 'position 17: ")" is not expected here'],
  ['country eq “PL”', 'position 11: unexpected character'],
])('%s is refused: %s', (filter, message) => expect(() => matches(filter)).toThrow(message))
