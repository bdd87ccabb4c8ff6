/**
 * Exact arithmetic on decimal text. Numbers that a double cannot hold reach expressions as text; these functions calculate
 * with them, and with ordinary numbers, without ever going through a double. Results are text, which is written unquoted
 * where the target takes a number.
 */
import type { DocumentedFunction } from './documented.ts'

type Decimal = { digits: bigint; scale: number }

/** Beyond this many digits a value is a mistake or an attack (1e999999999 would fill the memory). */
const MAX_DIGITS = 5_000
const NUMERAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

function parseDecimal(value: unknown): Decimal {
  const text = typeof value === 'number' ? String(value) : String(value).trim()
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMERAL.exec(text) ?? []
  if (sign === undefined || whole + fraction === '') throw { code: 'D3030', value }
  const scale = fraction.length - Number(exponent)
  if (Math.abs(scale) + whole.length + fraction.length > MAX_DIGITS) throw { code: 'D1001', value }
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n)
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale }
}

function formatDecimal({ digits, scale }: Decimal): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0')
  const sign = digits < 0n ? '-' : ''
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale)
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale]
}

function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b)
  return { digits: x + y, scale }
}

const negative = (a: Decimal): Decimal => ({ digits: -a.digits, scale: a.scale })
const multiply = (a: Decimal, b: Decimal): Decimal => ({ digits: a.digits * b.digits, scale: a.scale + b.scale })

/** Rounds half away from zero, as invoices do; a smaller scale is filled with zeros, so "2" to two places is "2.00". */
function roundDecimal(value: Decimal, places: number): Decimal {
  if (value.scale <= places) return { digits: value.digits * 10n ** BigInt(places - value.scale), scale: places }
  const unit = 10n ** BigInt(value.scale - places)
  const half = value.digits < 0n ? -unit / 2n : unit / 2n
  return { digits: (value.digits + half) / unit, scale: places }
}

/** Texts that these functions made during one evaluation: they are numbers, whatever they look like. */
const made = new Set<string>()

export const decimalsMade: ReadonlySet<string> = made
export const forgetDecimals = (): void => made.clear()

const remember = (value: Decimal): string => {
  const text = formatDecimal(value)
  made.add(text)
  return text
}

/** A number with its point moved to the right (or left, for negative places). */
export function shiftDecimal(value: unknown, places: number): string {
  const { digits, scale } = parseDecimal(value)
  if (scale - places >= 0) return remember({ digits, scale: scale - places })
  return remember({ digits: digits * 10n ** BigInt(places - scale), scale: 0 })
}

type Documentation = Pick<DocumentedFunction, 'usage' | 'sense' | 'examples'>

const binary = (compute: (a: Decimal, b: Decimal) => Decimal, documentation: Documentation): DocumentedFunction => ({
  ...documentation,
  signature: '<(sn)(sn):s>',
  implementation: (a: unknown, b: unknown) =>
    a === undefined || b === undefined ? undefined : remember(compute(parseDecimal(a), parseDecimal(b))),
})

export const decimalFunctions: Record<string, DocumentedFunction> = {
  decimalAdd: binary(add, {
    usage: '$decimalAdd(a, b)',
    sense: 'The exact sum of two numbers or decimal texts.',
    examples: [['$decimalAdd("0.1", "0.2")', '0.3']],
  }),
  decimalSubtract: binary((a, b) => add(a, negative(b)), {
    usage: '$decimalSubtract(a, b)',
    sense: 'The exact difference.',
    examples: [['$decimalSubtract("9223372036854775808", 1)', '9223372036854775807']],
  }),
  decimalMultiply: binary(multiply, {
    usage: '$decimalMultiply(a, b)',
    sense: 'The exact product.',
    examples: [['$decimalMultiply("1.10", "3")', '3.30']],
  }),
  decimalSum: {
    usage: '$decimalSum(list)',
    sense: 'The exact sum of a list.',
    examples: [['$decimalSum(["0.10", 0.2, "1"])', '1.30']],
    signature: '<a:s>',
    implementation: (values?: unknown[]) =>
      values === undefined ? undefined : remember(values.map(parseDecimal).reduce(add, { digits: 0n, scale: 0 })),
  },
  decimalRound: {
    usage: '$decimalRound(number, places?)',
    sense: 'Rounded half away from zero, as invoices do, and filled with zeros: 2 to two places is 2.00.',
    examples: [
      ['$decimalRound("2.345", 2)', '2.35'],
      ['$decimalRound(2, 2)', '2.00'],
    ],
    signature: '<(sn)n?:s>',
    implementation: (value: unknown, places = 0) => {
      if (value === undefined) return undefined
      if (!Number.isInteger(places) || places < 0 || places > 100) throw { code: 'D1001', value: places }
      return remember(roundDecimal(parseDecimal(value), places))
    },
  },
}
