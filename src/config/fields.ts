/** How one setting is described. The description feeds file, environment, documentation and masking. */
import { isIP } from 'node:net'

/** What a value that is not acceptable gets back: the rest of a sentence that begins with the setting's name. */
export class BadValue extends Error {}

export type Field<T> = {
  kind: string
  default: T
  description: string
  /** Environment variables besides `CAUSEWAY_<NAME>`, for names that hosting platforms set. */
  alsoEnv: readonly string[]
  /** Masked wherever settings are shown, and may be read from a file named by `<VARIABLE>_FILE`. */
  secret: boolean
  /** Turns a value from file (typed) or environment (text) into the setting. Throws BadValue. */
  parse(raw: unknown): T
}

type Options<T> = { default: T; description: string; alsoEnv?: readonly string[]; secret?: boolean }

function field<T>(kind: string, options: Options<T>, parse: (raw: unknown) => T): Field<T> {
  return {
    kind,
    default: options.default,
    description: options.description,
    alsoEnv: options.alsoEnv ?? [],
    secret: options.secret ?? false,
    parse,
  }
}

/** A text; `T` may include null for settings that can be absent. */
export const text = <T extends string | null = string>(options: Options<T> & { pattern?: RegExp; says?: string }) =>
  field<T | string>('text', options, (raw) => {
    const value = typeof raw === 'string' ? raw.trim() : raw
    if (typeof value !== 'string' || value === '') throw new BadValue('must be a text that is not empty')
    if (options.pattern && !options.pattern.test(value)) throw new BadValue(options.says ?? 'is not well-formed')
    return value
  })

/** A text that is a secret: never trimmed beyond the line break an editor leaves at the end. */
export const secret = (options: Omit<Options<string | null>, 'default' | 'secret'> & { minLength: number }) =>
  field<string | null>('secret', { ...options, default: null, secret: true }, (raw) => {
    const value = typeof raw === 'string' ? raw.replace(/\r?\n$/, '') : raw
    if (typeof value !== 'string' || value.length < options.minLength)
      throw new BadValue(`must be a text of at least ${options.minLength} characters`)
    return value
  })

/** A URL of one of some schemes. It may hold a password, so it is masked as one. */
export const url = (options: Options<string | null> & { schemes: readonly string[] }) =>
  field<string | null>(`URL (${options.schemes.join(', ')})`, options, (raw) => {
    const parsed = typeof raw === 'string' ? URL.parse(raw.trim()) : null
    if (!parsed || !options.schemes.includes(parsed.protocol.slice(0, -1)))
      throw new BadValue(
        `must be a URL that begins with ${options.schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
      )
    return (raw as string).trim()
  })

/** A whole number; `T` may include null for settings that can be absent. */
export const integer = <T extends number | null = number>(options: Options<T> & { min: number; max: number }) =>
  field<T | number>(`whole number, ${options.min} to ${options.max}`, options, (raw) => {
    const value = typeof raw === 'string' && /^\s*-?\d{1,15}\s*$/.test(raw) ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isInteger(value) || value < options.min || value > options.max)
      throw new BadValue(`must be a whole number from ${options.min} to ${options.max}`)
    return value
  })

/** A share, from none (0) to all (1). */
export const ratio = (options: Options<number>) =>
  field<number>('number, 0 to 1', options, (raw) => {
    const value = typeof raw === 'string' && /^\s*(0|1|[01]?\.\d{1,9})\s*$/.test(raw) ? Number(raw) : raw
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new BadValue('must be a number from 0 to 1')
    return value
  })

const WORDS = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
])

export const flag = (options: Options<boolean>) =>
  field<boolean>('true or false', options, (raw) => {
    const value = typeof raw === 'string' ? WORDS.get(raw.trim().toLowerCase()) : raw
    if (typeof value !== 'boolean') throw new BadValue('must be true or false')
    return value
  })

export const choice = <const T extends string>(values: readonly T[], options: Options<NoInfer<T>>) =>
  field<T>(values.join(', '), options, (raw) => {
    const value = values.find((known) => known === String(raw).trim().toLowerCase())
    if (value === undefined) throw new BadValue(`must be one of ${values.join(', ')}`)
    return value
  })

/** An address to listen on: an IP address or a host name. */
export const host = (options: Options<string>) =>
  field<string>('host name or IP address', options, (raw) => {
    const value = typeof raw === 'string' ? raw.trim() : ''
    if (isIP(value) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value))
      throw new BadValue('must be a host name or an IP address, without port')
    return value
  })

/** IP addresses and networks (`10.0.0.0/8`): a list, or a text with commas or blanks between them. */
export const networks = (options: Omit<Options<string[]>, 'default'>) =>
  field<string[]>('IP addresses and networks', { ...options, default: [] }, (raw) => {
    const items: unknown[] =
      typeof raw === 'string' ? raw.split(/[\s,]+/).filter(Boolean) : Array.isArray(raw) ? raw : [raw]
    for (const item of items)
      if (typeof item !== 'string' || !isNetwork(item))
        throw new BadValue('must hold IP addresses or networks such as 10.0.0.0/8 only')
    return items as string[]
  })

function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
  return most > 0 && more === undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
}
