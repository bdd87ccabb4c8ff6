/** Decimal arithmetic on text with whole numbers inside, as accounting does it; rounding half away from zero. */
function toUnits(text: string, digits: number): bigint {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  const units = BigInt(whole + fraction.padEnd(digits, '0').slice(0, digits))
  return sign === '-' ? -units : units
}

export function fromUnits(units: bigint, digits: number): string {
  const text = String(units < 0n ? -units : units).padStart(digits + 1, '0')
  const point = text.length - digits
  return `${units < 0n ? '-' : ''}${text.slice(0, point)}${digits > 0 ? `.${text.slice(point)}` : ''}`
}

const divide = (units: bigint, by: bigint): bigint => (units >= 0n ? units + by / 2n : units - by / 2n) / by

/** Quantity (three digits) × unit price (two digits), to cents. */
export const lineNet = (quantity: string, unitPrice: string): bigint =>
  divide(toUnits(quantity, 3) * toUnits(unitPrice, 2), 1000n)

/** VAT on an amount in cents at a rate in whole percent. */
export const vatOf = (net: bigint, rate: string): bigint => divide(net * BigInt(rate), 100n)
