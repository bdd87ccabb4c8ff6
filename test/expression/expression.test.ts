import { expect, test } from 'vitest'
import { CausewayError, parseExact } from '../../src/core/index.ts'
import { arityOf, compileExpression, integrationFunctions, plainJson } from '../../src/expression/index.ts'

const functions = integrationFunctions

function failureOf(work: () => unknown): CausewayError {
  try {
    work()
  } catch (error) {
    if (error instanceof CausewayError) return error
    throw error
  }
  throw new Error('did not fail')
}

test.each([
  ['a.', 2],
  ['first_name & ', 13],
  ['a b', 2],
  ['(a', 2],
  ['{"a" 1}', 5],
  ['a "text"', 2],
  ["$f('x'", 6],
  ['a := 1', 0],
])('a syntax error in %s points at offset %i', (source, offset) => {
  const placeOf = (at: number) => ({ file: 'm.yaml', line: 7, column: 10 + at })
  const error = failureOf(() => compileExpression(source, { placeOf }))
  expect(error.code).toBe('CSW-4001')
  expect(error.data.offset).toBe(offset)
  expect(error.place).toEqual({ file: 'm.yaml', line: 7, column: 10 + offset })
})

test('a bad regular expression is a syntax error too', () => {
  expect(failureOf(() => compileExpression('$match(a, /[z-a]/)')).code).toBe('CSW-4001')
})

test.each([
  ['$uppercase(secret)', { secret: { pin: 'hunter2' } }, 'T0410', 0],
  ['1 + secret', { secret: 'hunter2' }, 'T2002', 2],
  ['secret < 5', { secret: 'hunter2' }, 'T2009', 7],
  ['$number(secret)', { secret: 'hunter2' }, 'D3030', 0],
  ['$map([secret], function($x) { $number($x) })', { secret: 'hunter2' }, 'D3030', 0],
  ['$toMillis(secret)', { secret: 'hunter2' }, 'D3110', 0],
])('%s fails without telling the value', async (source, input, jsonata, offset) => {
  const error = (await compileExpression(source)
    .evaluate(input)
    .catch((cause) => cause)) as CausewayError
  expect(error.code).toBe('CSW-4002')
  expect(error.data).toEqual({ jsonata, offset })
  expect(JSON.stringify(error)).not.toContain('hunter2')
})

test('what runs directly and what does not', () => {
  for (const source of [
    'a.b',
    '$lowercase(a) & "x"',
    'a[0].b',
    '{"a": [b, c]}',
    '($x := a; $x.b)',
    '$decimalAdd(a, b)',
    '$map(a, function($x) { $x })',
    'a^(b)',
    '**.b',
    'a.b.%',
    'a@$x.b#$i',
    '$replace(a, /x/, "y")',
    '$contains(a, function($x) { $x })',
    'a ~> $sum()',
    'a{b: $sum(c)}',
    '$now()',
    'a ~> |b|{"c": 1}|',
  ])
    expect(compileExpression(source, { functions }).isSync, source).toBe(true)
  // Text made into code, and names whose values depend on what the reference evaluator starts first.
  for (const source of ['$eval("1")', '[$x := 1, $x]'])
    expect(compileExpression(source, { functions }).isSync, source).toBe(false)
  expect(() => compileExpression('$eval(b)').evaluateSync({})).toThrow(TypeError)
})

test('variables, functions and paths are found with their offsets', () => {
  const { analysis } = compileExpression(
    '($y := company.name; $lowercase($y) & $with.city & $$.address.`zip code` & items[sku = $id].price)',
  )
  expect(analysis.variables).toEqual([
    { name: 'with', offset: 38 },
    { name: 'id', offset: 87 },
  ])
  expect(analysis.functions).toEqual([{ name: 'lowercase', offset: 21, arguments: 1 }])
  const paths = analysis.paths.map(
    ({ from, steps }) => `${from}:${steps.map((s) => `${s.name}@${s.offset}`).join('.')}`,
  )
  expect(paths).toEqual([':company@7.name@15', 'with:city@44', ':address@54.zip code@62', ':items@75.price@92'])
})

test('names inside predicates, functions and groupings are not taken for fields of the record', () => {
  const of = (source: string) => compileExpression(source).analysis.paths.map(({ steps }) => steps[0]!.name)
  expect(of('lines[kind = "x"].price')).toEqual(['lines'])
  expect(of('lines{sku: qty}')).toEqual(['lines'])
  expect(of('lines^(>price)')).toEqual(['lines'])
  expect(of('lines.(price * qty)')).toEqual(['lines'])
  expect(of('$map(lines, function($l) { $l.price & name })')).toEqual(['lines', 'name'])
  expect(of('lines@$l.(name & $l.sku)')).toEqual(['lines'])
})

test('a chained call counts its left side as an argument', () => {
  expect(compileExpression('a ~> $join(", ")').analysis.functions).toMatchObject([{ name: 'join', arguments: 2 }])
})

test.each([
  ['<s-nn?:s>', 1, 3],
  ['<a<n>:n>', 1, 1],
  ['<x-:a<s>>', 0, 1],
  ['<s-(sf)(sf)n?:s>', 2, 4],
  ['<a+>', 1, Number.POSITIVE_INFINITY],
  ['<s-f<s:o>n?:a<o>>', 1, 3],
  ['<:n>', 0, 0],
])('signature %s takes %i to %i arguments', (signature, least, most) => {
  expect(arityOf(signature)).toEqual({ least, most })
})

test('the clock can be frozen, for direct and evaluated expressions', async () => {
  const now = Date.parse('2026-03-04T05:06:07.890Z')
  const frozen = (source: string) => compileExpression(source).evaluate({}, {}, { now })
  expect(await frozen('$now()')).toBe('2026-03-04T05:06:07.890Z')
  expect(await frozen('$now("[Y0001]-[M01]-[D01]")')).toBe('2026-03-04')
  expect(await frozen('$millis()')).toBe(now)
  expect(await frozen('$toMillis("14:30", "[H01]:[m01]")')).toBe(Date.parse('2026-03-04T14:30:00.000Z'))
  expect(await frozen('[$map([1], function($x) { $toMillis("14:30", "[H01]:[m01]") })]')).toEqual([
    Date.parse('2026-03-04T14:30:00.000Z'),
  ])
})

test('paths hand exact numbers on; operators and functions see what a double or text can say', () => {
  const input = parseExact('{"big": 9223372036854775807, "price": 0.10, "nested": {"big": 1e400}}')
  const evaluate = (source: string) =>
    JSON.stringify(compileExpression(source, { functions }).evaluateSync(input, {}, { exact: true }))
  expect(evaluate('big')).toBe('9223372036854775807')
  expect(evaluate('{"a": nested, "p": [price]}')).toBe('{"a":{"big":1e400},"p":[0.10]}')
  expect(evaluate('price = 0.1 ? price')).toBe('0.10')
  expect(evaluate('$string(big)')).toBe('"9223372036854775807"')
  expect(evaluate('"n" & big')).toBe('"n9223372036854775807"')
  expect(evaluate('$decimalAdd(big, 1)')).toBe('"9223372036854775808"')
  expect(evaluate('$type(price)')).toBe('"number"')
  expect(evaluate('$keys(nested)')).toBe('"big"')
  expect(evaluate('price > 0 and big')).toBe('true')
  // A number that no double can say is a text to operators, whichever side it stands on.
  for (const same of ['big = "9223372036854775807"', '"9223372036854775807" = big', 'big in ["9223372036854775807"]'])
    expect(evaluate(same), same).toBe('true')
  expect(evaluate('$[big = "9223372036854775807"].price')).toBe('0.10')
  expect(evaluate('big != "9223372036854775807"')).toBe('false')
})

test('results that are not plain JSON are refused', async () => {
  const of = async (source: string) => plainJson(await compileExpression(source).evaluate({ a: [1] }))
  expect(await of('missing')).toBeUndefined()
  expect(await of('{"a": [null, ""]}')).toEqual({ a: [null, ''] })
  for (const source of ['$lowercase', 'function($x) { $x }', '{"a": [function($x) { $x }]}', '1 / 0', '[-1 / 0]'])
    expect((await of(source).catch((error) => error)) as CausewayError, source).toMatchObject({ code: 'CSW-4004' })
})

test.each([
  ['$decimalAdd(0.1, 0.2)', '0.3'],
  ['$decimalAdd("9223372036854775807", "0.50")', '9223372036854775807.50'],
  ['$decimalSubtract("1.00", 1)', '0.00'],
  ['$decimalMultiply("19.99", 3)', '59.97'],
  ['$decimalMultiply(1.1, 1.1)', '1.21'],
  ['$decimalSum(["0.10", 0.2, -1])', '-0.70'],
  ['$decimalRound("2.345", 2)', '2.35'],
  ['$decimalRound("-2.345", 2)', '-2.35'],
  ['$decimalRound(1e21)', '1000000000000000000000'],
  ['$decimalRound("-0.004", 2)', '0.00'],
  ['$slug("  Żółta Łódź & Søn GmbH ")', 'zolta-lodz-son-gmbh'],
  ['$sha256("abc")', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('%s is %s', (source, result) => {
  expect(compileExpression(source, { functions }).evaluateSync({})).toBe(result)
})

test.each(['$decimalAdd("x", 1)', '$decimalAdd("1e999999", 1)', '$decimalRound(1, -1)'])('%s is refused', (source) => {
  expect(failureOf(() => compileExpression(source, { functions }).evaluateSync({})).code).toBe('CSW-4002')
})
