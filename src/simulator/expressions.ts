/**
 * The expressions of an API description. They go straight to the reference implementation of JSONata: the simulator judges
 * the hub's own compiler among other things, so it may not stand on it.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import jsonata from 'jsonata'
import { csvOf, csvRecords } from './languages/csv.ts'
import { davAsked, davMultistatus, davResponse, davStatus } from './languages/dav.ts'
import { multipartAnswers, multipartCalls } from './languages/multipart.ts'
import { odataFilter, odataOrder } from './languages/odata.ts'
import { scimFilter, scimPatch } from './languages/scim.ts'
import { selectStatement } from './languages/select.ts'
import { hasUsernameToken } from './languages/soap.ts'
import { trytonDomain, trytonIds, trytonPlain, trytonTyped } from './languages/tryton.ts'
import { vcardMatches, vcardOf } from './languages/vcard.ts'
import { Refusal } from './problem.ts'

export type Names = Record<string, unknown>

class ExpressionFailed extends Error {
  constructor(text: string, cause: unknown) {
    super(`The expression ${text} failed: ${(cause as Error).message}`, { cause })
  }
}

export class Expressions {
  private readonly compiled = new Map<string, jsonata.Expression>()
  private readonly bindings: Names = {}
  private readonly defined: Record<string, string>

  /** `defined` are functions of the description's author, each an expression that gives a function. */
  constructor(defined: Record<string, string> = {}) {
    this.defined = defined
  }

  /** Must come first: the author's functions are expressions themselves. `own` are those of this installation. */
  async prepare(own: Record<string, (...given: string[]) => unknown> = {}): Promise<void> {
    Object.assign(this.bindings, own)
    for (const [name, text] of Object.entries(this.defined)) this.bindings[name] = await this.evaluate(text, {})
  }

  /** The value of an expression whose paths start at `names`; no match is `undefined`. */
  async evaluate(text: string, names: Names): Promise<unknown> {
    try {
      const value: unknown = await this.compile(text).evaluate(names, this.bindings)
      return plain(value)
    } catch (cause) {
      // A function that reads the request's own query language refuses it as the vendor would.
      if (cause instanceof Refusal) throw cause
      throw new ExpressionFailed(text, cause)
    }
  }

  private compile(text: string): jsonata.Expression {
    const known = this.compiled.get(text)
    if (known) return known
    const expression = jsonata(text)
    for (const [name, make] of Object.entries(FUNCTIONS)) expression.registerFunction(name, make)
    this.compiled.set(text, expression)
    return expression
  }
}

/** Lists that JSONata made carry marks of its own, which would change how the next expression sees them. */
const plain = (value: unknown): unknown =>
  Array.isArray(value) && Object.hasOwn(value, 'sequence') ? Array.from(value as unknown[]) : value

type Encoding = 'hex' | 'base64' | 'base64url'

/** What descriptions need beyond JSONata: digests for signatures and keys, identifiers, moments. */
// biome-ignore lint/suspicious/noExplicitAny: the signature of registerFunction
const FUNCTIONS: Record<string, (...given: any[]) => unknown> = {
  hash: (algorithm: string, text: string, encoding: Encoding = 'hex') =>
    createHash(algorithm).update(text).digest(encoding),
  hmac: (algorithm: string, key: string, text: string, encoding: Encoding = 'hex') =>
    createHmac(algorithm, key).update(text).digest(encoding),
  hmacBytes: (algorithm: string, base64Key: string, text: string, encoding: Encoding = 'hex') =>
    createHmac(algorithm, Buffer.from(base64Key, 'base64')).update(text).digest(encoding),
  base64: (text: string) => Buffer.from(text).toString('base64'),
  fromBase64: (text: string) => Buffer.from(text, 'base64').toString(),
  // Filter and query languages, as the comparisons `filter` takes.
  odata: (text: string | undefined) => odataFilter(text),
  odataOrder: (text: string | undefined) => odataOrder(text),
  scim: (text: string | undefined, attributes: Parameters<typeof scimFilter>[1]) => scimFilter(text, attributes),
  scimPatch: (operations: unknown) => scimPatch(operations),
  davAsked: (text: unknown) => davAsked(text),
  davResponse: (href: string, has: Parameters<typeof davResponse>[1], asked: string[]) =>
    davResponse(href, has, [asked].flat()),
  davStatus: (href: string, status: string) => davStatus(href, status),
  davMultistatus: (responses: string[], token?: string) => davMultistatus(responses, token),
  vcard: (text: unknown) => vcardOf(text),
  vcardMatches: (card: Parameters<typeof vcardMatches>[0], filter: Parameters<typeof vcardMatches>[1]) =>
    vcardMatches(card, filter),
  trytonDomain: (domain: unknown, context: unknown) => trytonDomain(domain, context),
  trytonPlain: (values: unknown, types: Parameters<typeof trytonPlain>[1]) => trytonPlain(values, types),
  trytonTyped: (record: Parameters<typeof trytonTyped>[0], types: Parameters<typeof trytonTyped>[1]) =>
    trytonTyped(record, types),
  trytonIds: (commands: unknown) => trytonIds(commands),
  select: (text: string) => selectStatement(text),
  csv: (records: Record<string, unknown>[], columns: string[], delimiter?: string) =>
    csvOf(records, columns, delimiter),
  fromCsv: (text: string, delimiter?: string) => csvRecords(text, delimiter),
  multipartCalls: (text: string, type: string) => multipartCalls(text, type),
  multipartAnswers: (answers: Parameters<typeof multipartAnswers>[0]) => multipartAnswers(answers),
  usernameToken: (header: unknown, user: string, password: string) => hasUsernameToken(header, user, password),
  json: (text: string) => JSON.parse(text) as unknown,
  // What the vendor says no to, in the words of its answer.
  refuse: (message: string) => {
    throw new Refusal('invalid', { reason: 'refused', message })
  },
  uuid: () => randomUUID(),
  // Milliseconds of any usual spelling; unlike $toMillis it also takes numbers (seconds or milliseconds) and date-only text.
  ms: (value: unknown) => millisOf(value),
}

/** Milliseconds since 1970 of a moment in any usual spelling; `undefined` where it is none. */
export function millisOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value < 1e11 ? value * 1000 : value
  if (typeof value !== 'string' || value === '') return undefined
  if (/^\d{9,11}(\.\d+)?$/.test(value)) return Number(value) * 1000
  if (/^\d{12,14}$/.test(value)) return Number(value)
  const inJson = /^\/Date\((-?\d+)([+-]\d+)?\)\/$/.exec(value)
  if (inJson) return Number(inJson[1])
  const iso = /^\d{4}-\d\d-\d\d \d/.test(value) ? `${value.replace(' ', 'T')}${/[Z+]/.test(value) ? '' : 'Z'}` : value
  const parsed = Date.parse(/T[\d:.]+$/.test(iso) ? `${iso}Z` : iso)
  return Number.isNaN(parsed) ? undefined : parsed
}
