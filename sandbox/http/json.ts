/**
 * JSON for the wire. Inside a stand-in a big integer is a bigint and a number with a spelling of its own (37.50) is made by
 * `spelled`; both are written as plain JSON numbers, as some real systems do.
 */

// Node 24 has the proposal "JSON.parse source text access"; TypeScript's ES2024 library does not know it yet.
const native = JSON as unknown as {
  rawJSON(text: string): unknown
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}

export function parseJson(text: string): unknown {
  return native.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value
    return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
  })
}

export const spelled = (number: string): unknown => native.rawJSON(number)

export const writeJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? native.rawJSON(String(item)) : item))
