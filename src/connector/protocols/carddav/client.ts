/** The CardDAV calls of one connection (RFC 6352, sync-collection of RFC 6578). */
import { CausewayError } from '../../../core/index.ts'
import type { OnExchange } from '../../contract.ts'
import type { Answer } from '../../parts/answer.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { onSameOrigin } from '../../parts/request.ts'
import { escapeXml, type XmlNode, xmlFields, xmlList, xmlText } from '../../parts/xml.ts'
import { type Found, type Multistatus, multistatusOf, parseXml } from './multistatus.ts'

const NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
const CARD = '<d:prop><d:getetag/><c:address-data/></d:prop>'

/** A card as the server holds it. */
export type StoredCard = { href: string; etag: string | null; text: string; requestedAt: Date }
/** What changed in a book: addresses that are there, and that are gone. */
export type Changes = { present: string[]; gone: string[]; token: string; truncated: boolean; requestedAt: Date }

export class CardDavClient {
  private readonly http: HttpConnection

  constructor(http: HttpConnection) {
    this.http = http
  }

  get base(): string {
    return this.http.endpoint
  }

  /**
   * The address of a book: the base URL itself where it is one, else found from the user's principal over the home of address
   * books. `wanted` is its name or the last part of its address; the first book when it is left out.
   */
  async book(wanted: string | null, signal: AbortSignal): Promise<string> {
    await this.http.locate(signal)
    const start = await this.properties(this.base, 0, '<d:resourcetype/><d:current-user-principal/>', signal)
    const [own] = start
    if (wanted === null && own && isBook(own)) return directory(onSameOrigin(own.href, this.base))
    const principal = hrefIn(own, 'current-user-principal') ?? this.base
    const [home] = await this.properties(principal, 0, '<c:addressbook-home-set/>', signal)
    const collection = hrefIn(home, 'addressbook-home-set') ?? this.base
    const books = (await this.properties(collection, 1, '<d:resourcetype/><d:displayname/>', signal)).filter(isBook)
    const book = wanted === null ? books[0] : books.find((one) => namesOf(one).includes(wanted))
    if (book) return directory(onSameOrigin(book.href, this.base))
    throw new CausewayError('CSW-3014', {
      what: wanted === null ? 'The server shows no address book.' : 'The server shows no address book of that name.',
      fix: `Address books there: ${books.map((one) => namesOf(one)[0]).join(', ') || 'none'}.`,
    })
  }

  /** What changed since a token; everything for null. `expired` where the server has forgotten the token. */
  async changes(book: string, token: string | null, signal: AbortSignal): Promise<Changes | 'expired'> {
    const since = token === null ? '<d:sync-token/>' : `<d:sync-token>${escapeXml(token)}</d:sync-token>`
    const body = `<d:sync-collection ${NAMESPACES}>${since}<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`
    const answer = await this.ask('REPORT', book, body, { Depth: '0' }, signal)
    if (answer.failure) {
      // The precondition may be told with 403, 409 or, by older servers, 412 (RFC 6578, 3.2).
      if (token !== null && [403, 409, 410, 412].includes(answer.status)) return 'expired'
      throw answer.failure
    }
    const { found, syncToken } = this.multistatus(answer.response)
    if (syncToken === null || syncToken === '')
      throw new CausewayError('CSW-3007', { what: 'The answer to sync-collection holds no token for the next one.' })
    const members = found.filter(({ href }) => !isSelf(href, book))
    return {
      present: members.filter(({ status }) => status < 300).map(({ href }) => href),
      gone: members.filter(({ status }) => status === 404 || status === 410).map(({ href }) => href),
      token: syncToken,
      truncated: found.some(({ status }) => status === 507),
      requestedAt: answer.requestedAt,
    }
  }

  /** All resources of a book, for servers without sync-collection. */
  async list(book: string, signal: AbortSignal): Promise<string[]> {
    const members = await this.properties(book, 1, '<d:resourcetype/><d:getetag/>', signal)
    return members.filter((one) => !isSelf(one.href, book) && !isCollection(one)).map(({ href }) => href)
  }

  /** The cards at the given addresses; what is not there is missing from the answer. */
  async cards(book: string, hrefs: string[], signal: AbortSignal): Promise<StoredCard[]> {
    if (hrefs.length === 0) return []
    const list = hrefs.map((href) => `<d:href>${escapeXml(href)}</d:href>`).join('')
    const body = `<c:addressbook-multiget ${NAMESPACES}>${CARD}${list}</c:addressbook-multiget>`
    return this.stored(await this.ask('REPORT', book, body, { Depth: '0' }, signal))
  }

  /** Cards one of whose properties has one of the values, compared without case. */
  async query(book: string, property: string, values: string[], signal: AbortSignal): Promise<StoredCard[]> {
    const filters = values.map(
      (value) =>
        `<c:prop-filter name="${property}"><c:text-match collation="i;unicode-casemap" match-type="equals">${escapeXml(value)}</c:text-match></c:prop-filter>`,
    )
    const body = `<c:addressbook-query ${NAMESPACES}>${CARD}<c:filter test="anyof">${filters.join('')}</c:filter></c:addressbook-query>`
    return this.stored(await this.ask('REPORT', book, body, { Depth: '1' }, signal))
  }

  /** Stores a card. `only`: where there is none yet, or where it is still the one with that ETag. Answers the new ETag. */
  async put(url: string, text: string, only: 'new' | string | null, options: Writing): Promise<string | null> {
    const condition = only === 'new' ? { 'If-None-Match': '*' } : only === null ? {} : { 'If-Match': only }
    const answer = await this.http.call(
      {
        method: 'PUT',
        url,
        headers: { ...condition, 'Content-Type': 'text/vcard; charset=utf-8', Accept: '*/*' },
        body: text,
      },
      // Sent again after a lost answer, a conditional PUT would meet its own result.
      {
        ...options,
        purpose: 'write',
        notFound: 'record',
        idempotent: only === null,
        conditional: only !== null,
        parse: parseXml,
      },
    )
    if (answer.failure) throw refusalOf(answer) ?? answer.failure
    return answer.headers.etag ?? null
  }

  async remove(url: string, etag: string | null, options: Writing): Promise<void> {
    const headers = { Accept: '*/*', ...(etag === null ? {} : { 'If-Match': etag }) }
    const call = {
      ...options,
      purpose: 'write',
      notFound: 'record',
      conditional: etag !== null,
      parse: parseXml,
    } as const
    const answer = await this.http.call({ method: 'DELETE', url, headers }, call)
    if (answer.failure) throw answer.failure
  }

  private async properties(url: string, depth: 0 | 1, names: string, signal: AbortSignal): Promise<Found[]> {
    const body = `<d:propfind ${NAMESPACES}><d:prop>${names}</d:prop></d:propfind>`
    const answer = await this.ask('PROPFIND', onSameOrigin(url, this.base), body, { Depth: String(depth) }, signal)
    if (answer.failure) throw answer.failure
    return this.multistatus(answer.response).found
  }

  private stored(answer: Awaited<ReturnType<CardDavClient['ask']>>): StoredCard[] {
    if (answer.failure) throw answer.failure
    return this.multistatus(answer.response).found.flatMap(({ href, status, props }) => {
      const text = xmlText(props['address-data'])
      if (status >= 300 || text === null || text === '') return []
      return [{ href, etag: xmlText(props.getetag), text, requestedAt: answer.requestedAt }]
    })
  }

  private ask(method: string, url: string, xml: string, headers: Record<string, string>, signal: AbortSignal) {
    const body = `<?xml version="1.0" encoding="utf-8"?>${xml}`
    return this.http.call(
      { method, url, headers: { ...headers, 'Content-Type': 'application/xml; charset=utf-8', Accept: '*/*' }, body },
      { signal, purpose: 'read', parse: parseXml },
    )
  }

  private multistatus(response: Parameters<typeof multistatusOf>[0]): Multistatus {
    const read = multistatusOf(response)
    if (read) return read
    throw new CausewayError('CSW-3007', { what: 'The server answered with something that is no multistatus.' })
  }
}

/** What RFC 6352 (6.3.2.1) asks of a card that is stored: a server that refuses one says which, with a 403 or 409. */
const ASKED_OF_CARDS = ['supported-address-data', 'valid-address-data', 'max-resource-size', 'no-uid-conflict']

/** The refusal of a card itself; null where something else was refused. */
function refusalOf({ response, status, failure }: Answer): CausewayError | null {
  const named = Object.keys(xmlFields(xmlFields(response as XmlNode).error)).find((name) =>
    ASKED_OF_CARDS.includes(name),
  )
  if (!named || (status !== 403 && status !== 409)) return null
  return new CausewayError('CSW-3008', {
    what: `The server refused the card (${named}).`,
    ...(failure ? { data: failure.data, cause: failure } : {}),
  })
}

export type Writing = { signal: AbortSignal; onExchange?: OnExchange; maySend?: () => boolean }

const isBook = ({ props }: Found): boolean => 'addressbook' in xmlFields(props.resourcetype)
const isCollection = ({ props }: Found): boolean => 'collection' in xmlFields(props.resourcetype)
const hrefIn = (found: Found | undefined, name: string): string | null =>
  xmlText(xmlList(xmlFields(found?.props[name]).href)[0])
const namesOf = ({ href, props }: Found): string[] =>
  [xmlText(props.displayname), decodedName(href)].filter((name) => name !== null && name !== '') as string[]

/** The last part of an address, decoded. */
export function decodedName(href: string): string {
  const last = href.replace(/\/+$/, '').split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

const directory = (url: string): string => (url.endsWith('/') ? url : `${url}/`)
const isSelf = (href: string, book: string): boolean =>
  directory(URL.parse(href, book)?.pathname ?? '') === new URL(book).pathname
