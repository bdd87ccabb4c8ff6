import { isObject, isRawNumber, type Json, type JsonObject, sameJson } from '../core/index.ts'

/**
 * True when a value is what a system may have made of another one while it stored it: trimmed, in other case, another Unicode
 * form, rounded, the same instant or phone number written differently, empty for null, more fields inside an object.
 */
export const isNear = (stored: Json | undefined, sent: Json | undefined): boolean => near(stored, sent, roundsTo)

/** True when both say the same and only spell it otherwise. A number that was rounded says something else. */
export const isSpelling = (stored: Json | undefined, sent: Json | undefined): boolean =>
  near(stored, sent, (a, b) => Number(a) === Number(b))

type SameNumber = (a: string, b: string) => boolean

function near(stored: Json | undefined, sent: Json | undefined, sameNumber: SameNumber): boolean {
  if (isEmpty(stored) && isEmpty(sent)) return true
  if (stored === undefined || sent === undefined) return false
  if (sameJson(stored, sent)) return true
  const [a, b] = [numberText(stored), numberText(sent)]
  if (a !== null && b !== null) return sameNumber(a, b)
  if (typeof stored === 'string' && typeof sent === 'string') return sameText(stored, sent)
  if (Array.isArray(stored) && Array.isArray(sent))
    return stored.length === sent.length && sent.every((item, i) => near(stored[i], item, sameNumber))
  if (isPlain(stored) && isPlain(sent))
    return Object.entries(sent).every(([key, item]) =>
      near(Object.hasOwn(stored, key) ? (stored as JsonObject)[key] : undefined, item, sameNumber),
    )
  return false
}

export const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isPlain(value) && Object.keys(value).length === 0)

const isPlain = (value: Json | undefined): value is JsonObject => isObject(value) && !isRawNumber(value)

const NUMBER = /^[+-]?\d{1,15}(\.\d{1,15})?$/

/** Numbers, and text that is one: systems change between the two. */
function numberText(value: Json): string | null {
  const text = typeof value === 'number' ? String(value) : isRawNumber(value) ? value.rawJSON : value
  return typeof text === 'string' && NUMBER.test(text) ? text : null
}

/** As many digits behind the point as the shorter of both has. */
function roundsTo(a: string, b: string): boolean {
  const digits = Math.min(...[a, b].map((text) => text.split('.')[1]?.length ?? 0))
  const half = 0.5 * 10 ** -digits
  return Math.abs(Number(a) - Number(b)) <= half * (1 + 1e-9)
}

const PHONE = /^\+?[\d\s()./-]{7,}$/
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/

function sameText(a: string, b: string): boolean {
  if (plain(a) === plain(b)) return true
  if (PHONE.test(a) && PHONE.test(b)) return a.replace(/[^\d+]/g, '') === b.replace(/[^\d+]/g, '')
  return INSTANT.test(a) && INSTANT.test(b) && Date.parse(a) === Date.parse(b)
}

const plain = (text: string): string => text.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase()
