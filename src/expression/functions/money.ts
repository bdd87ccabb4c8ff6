import { decimalFunctions, shiftDecimal } from './decimal.ts'
import { type DocumentedFunction, wrongArgument } from './documented.ts'

const digits = new Map<string, number>()

/** Digits behind the point by ISO 4217, as the runtime's own tables have them. */
function currencyDigits(code: string | undefined, index: number): number {
  const upper = code?.toUpperCase() ?? ''
  let known = digits.get(upper)
  if (known === undefined) {
    if (!Intl.supportedValuesOf('currency').includes(upper)) throw wrongArgument(index, code)
    const format = new Intl.NumberFormat('en', { style: 'currency', currency: upper })
    known = format.resolvedOptions().maximumFractionDigits ?? 2
    digits.set(upper, known)
  }
  return known
}

const round = decimalFunctions.decimalRound!.implementation as (value: unknown, places: number) => string | undefined

export const moneyFunctions: Record<string, DocumentedFunction> = {
  money: {
    usage: '$money(amount, currency)',
    sense: 'An amount rounded to the digits of its currency, half away from zero; exact.',
    signature: '<(sn)s:s>',
    implementation: (amount?: unknown, currency?: string) =>
      amount === undefined ? undefined : round(amount, currencyDigits(currency, 2)),
    examples: [
      ['$money("1230.105", "PLN")', '1230.11'],
      ['$money(99.5, "JPY")', '100'],
    ],
  },
  toMinorUnits: {
    usage: '$toMinorUnits(amount, currency)',
    sense: 'An amount in the smallest unit of its currency: 12.30 PLN are 1230.',
    signature: '<(sn)s:s>',
    implementation: (amount?: unknown, currency?: string) => {
      if (amount === undefined) return undefined
      const places = currencyDigits(currency, 2)
      return shiftDecimal(round(amount, places)!, places)
    },
    examples: [
      ['$toMinorUnits("12.30", "PLN")', '1230'],
      ['$toMinorUnits(500, "JPY")', '500'],
      ['$toMinorUnits("1.2345", "BHD")', '1235'],
    ],
  },
  fromMinorUnits: {
    usage: '$fromMinorUnits(units, currency)',
    sense: 'The way back: 1230 of PLN are 12.30.',
    signature: '<(sn)s:s>',
    implementation: (units?: unknown, currency?: string) =>
      units === undefined ? undefined : shiftDecimal(units, -currencyDigits(currency, 2)),
    examples: [['$fromMinorUnits(1230, "PLN")', '12.30']],
  },
}
