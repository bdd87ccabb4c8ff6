/** Real records made fit for a file in git: by the rules of their fields, secrets masked and what may be personal replaced. */
import { createHmac, randomBytes } from 'node:crypto'
import { isObject, isRawNumber, isSecretName, type Json, type JsonObject, rawNumber } from '../../core/index.ts'

export type PseudonymOptions = {
  /** Names of fields whose values may stay as they are; never those of secrets. */
  keep: ReadonlySet<string>
  /** Texts and numbers that a mapping itself names, such as the states it compares with: they steer it and are in git already. */
  known: ReadonlySet<string>
}

const MASK = '***'
const PERSONAL = new Set(
  `name firstname lastname surname givenname familyname middlename maidenname displayname fullname nickname initials title salutation
   email mail phone mobile fax telephone street address postalcode postcode zip zipcode city birthday birthdate dateofbirth dob gender sex
   nationality religion salary wage income iban account accountnumber pesel nip ssn taxid vatid vatnumber passport login username user
   latitude longitude lat lng ip ipaddress notes note comment comments description`.split(/\s+/),
)
const plain = (name: string): string => name.replace(/[-_.\s]/g, '').toLowerCase()

/** A moment as systems write it: when something was changed. */
const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/
/** A day, also where midnight stands behind it. Many are birthdays, whatever their field is called. */
const DAY = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?=$|[T ]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?$)/
/** Codes of countries, currencies and languages. */
const CODE = /^([A-Z]{2,3}|[a-z]{2}(-[A-Z]{2})?)$/
/** Yes, no and none. Anything larger may be an age. */
const NONE_OR_ONE = /^-?[01]$/
const EMAIL = /[^\s@<>"',;:]+@[^\s@<>"',;]+/g
const ORIGIN = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*/i

/**
 * Gives copies with other values of the same form: letters for letters, digits for digits, and the same one for the same value
 * everywhere, so that records still join. Nobody can go back, for the key is made for this and forgotten.
 */
export class Pseudonyms {
  readonly #key = randomBytes(32)
  readonly #options: PseudonymOptions

  constructor(options: PseudonymOptions) {
    this.#options = options
  }

  /** A record, or anything in one; `name` is that of the field it stands in. */
  of(value: Json, name = ''): Json {
    if (isSecretName(name)) return value === null ? null : MASK
    if (this.#options.keep.has(name)) return this.#withoutSecrets(value)
    if (Array.isArray(value)) return value.map((item) => this.of(item, name))
    if (isRawNumber(value)) return rawNumber(this.#number(value.rawJSON, name))
    if (isObject(value)) return this.#object(value as JsonObject)
    if (typeof value === 'number') return Number(this.#number(String(value), name))
    return typeof value === 'string' ? this.#text(value, name) : value
  }

  /** An id, as the text or number it is in records. */
  id(id: string): string {
    return NONE_OR_ONE.test(id) || this.#options.known.has(id) ? id : this.#replaced(id)
  }

  #object(value: JsonObject): JsonObject {
    const entries = Object.entries(value).map(([name, one]) => {
      const told = /@|\d{5}/.test(name) ? this.#replaced(name) : name
      return [told, this.of(one!, name)] as const
    })
    return Object.fromEntries(entries)
  }

  /** What may stay, but for secrets further in. */
  #withoutSecrets(value: Json): Json {
    if (Array.isArray(value)) return value.map((item) => this.#withoutSecrets(item))
    if (!isObject(value) || isRawNumber(value)) return value
    return Object.fromEntries(
      Object.entries(value as JsonObject).map(([name, one]) => [
        name,
        isSecretName(name) && one !== null ? MASK : this.#withoutSecrets(one!),
      ]),
    )
  }

  /** The point, the sign and an exponent stay where they are. */
  #number(text: string, name: string): string {
    if (this.#options.known.has(text) || (!PERSONAL.has(plain(name)) && NONE_OR_ONE.test(text))) return text
    const [, sign = '', digits = '', exponent = ''] = /^(-?)([\d.]*)(.*)$/.exec(text)!
    return sign + this.#shaped(digits) + exponent
  }

  #text(text: string, name: string): string {
    if (text === '' || this.#options.known.has(text)) return text
    if (DAY.test(text)) return text.replace(DAY, (day) => this.#day(day))
    if (MOMENT.test(text)) return PERSONAL.has(plain(name)) ? `1980-01-01${text.slice(10)}` : text
    if (!PERSONAL.has(plain(name)) && (CODE.test(text) || NONE_OR_ONE.test(text))) return text
    if (ORIGIN.test(text)) {
      const [origin, scheme] = ORIGIN.exec(text)!
      return `${scheme}example.org${this.#shaped(text.slice(origin.length))}`
    }
    return this.#replaced(text)
  }

  /** Another day of a life, the same one for the same day. */
  #day(text: string): string {
    const [year, month, day] = this.#bytes(text, 3)
    const two = (number: number): string => String(number).padStart(2, '0')
    return `${1950 + (year! % 70)}-${two(1 + (month! % 12))}-${two(1 + (day! % 28))}`
  }

  #replaced(text: string): string {
    const parts: string[] = []
    let at = 0
    for (const { 0: email, index } of text.matchAll(EMAIL)) {
      parts.push(this.#shaped(text.slice(at, index)), `${this.#shaped(email.split('@')[0]!)}@example.org`)
      at = index + email.length
    }
    return [...parts, this.#shaped(text.slice(at))].join('')
  }

  /** Another text of the same form. One with a `+` keeps the first digits, or it would be no telephone number any more. */
  #shaped(text: string): string {
    const prefix = /^\+\d{3}(?=[\d ()-]{5,}$)/.exec(text)?.[0] ?? ''
    const rest = text.slice(prefix.length)
    const bytes = this.#bytes(text, rest.length)
    let i = 0
    const shaped = rest.replace(/\p{L}|\p{N}|\p{M}/gu, (char, offset: number) => {
      const byte = bytes[i++]!
      if (/\p{N}/u.test(char)) return String(offset === 0 && char !== '0' ? 1 + (byte % 9) : byte % 10)
      const letter = String.fromCharCode(97 + (byte % 26))
      return char === char.toLowerCase() ? letter : letter.toUpperCase()
    })
    return prefix + shaped
  }

  /** So many bytes that follow from the text and the forgotten key. */
  #bytes(text: string, length: number): Buffer {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, block) =>
      createHmac('sha256', this.#key).update(`${block} ${text}`).digest(),
    )
    return Buffer.concat(blocks)
  }
}
