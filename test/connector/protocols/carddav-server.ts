/** A CardDAV server in memory: discovery, sync tokens, ETags, multiget and query, with faults to switch on. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

const BOOK = '/dav/home/contacts/'

export class CardDavServer {
  readonly cards = new Map<string, { text: string; etag: string }>()
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  url = ''
  /** Tokens below this are forgotten. */
  oldest = 0
  /** Most resources in one answer to sync-collection; the rest is told by a 507. */
  most = Number.POSITIVE_INFINITY
  /** Called before each answer; true when it has answered by itself. */
  intercept: (method: string, response: ServerResponse) => boolean = () => false
  private clock = 0
  private log: { name: string; at: number }[] = []
  private readonly server = createServer((request, response) => {
    this.serve(request, response).catch((error) => response.destroy(error))
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  stop(): void {
    this.server.closeAllConnections()
    this.server.close()
  }

  put(name: string, content: string): void {
    this.note(name)
    this.cards.set(name, { text: content, etag: `"${this.clock}"` })
  }

  remove(name: string): void {
    this.cards.delete(name)
    this.note(name)
  }

  private note(name: string): void {
    this.log = [...this.log.filter((one) => one.name !== name), { name, at: ++this.clock }]
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const method = request.method!
    this.asked.push({ method, url: request.url!, headers: request.headers, body })
    if (this.intercept(method, response)) return
    const name = decodeURIComponent(request.url!.slice(BOOK.length))
    if (method === 'PROPFIND') this.propfind(request.url!, response)
    else if (method === 'REPORT') this.report(body, response)
    else response.writeHead(this.write(method, name, request.headers, body)).end()
  }

  private propfind(url: string, response: ServerResponse): void {
    const href = (path: string) => `<D:href>${path}</D:href>`
    const answers: Record<string, string> = {
      '/dav/': entry('/dav/', `<D:current-user-principal>${href('/dav/me/')}</D:current-user-principal>`),
      '/dav/me/': entry('/dav/me/', `<CARD:addressbook-home-set>${href('/dav/home/')}</CARD:addressbook-home-set>`),
      '/dav/home/':
        entry('/dav/home/', '<D:resourcetype><D:collection/></D:resourcetype>') +
        entry(
          BOOK,
          `<D:resourcetype><D:collection/><CARD:addressbook/></D:resourcetype><D:displayname>Contacts</D:displayname>`,
        ),
    }
    const members = [...this.cards].map(([name, { etag }]) =>
      entry(hrefOf(name), `<D:resourcetype/><D:getetag>${etag}</D:getetag>`),
    )
    const book = entry(BOOK, '<D:resourcetype><D:collection/><CARD:addressbook/></D:resourcetype>') + members.join('')
    multistatus(response, answers[url] ?? (url === BOOK ? book : ''))
  }

  private report(body: string, response: ServerResponse): void {
    if (body.includes('sync-collection')) {
      this.sync(body, response)
      return
    }
    const wanted = body.includes('multiget')
      ? [...body.matchAll(/<d:href>(.*?)<\/d:href>/g)].map(([, href]) => decodeURIComponent(href!.slice(BOOK.length)))
      : this.matching(body)
    const found = wanted.map((name) => {
      const card = this.cards.get(name)
      if (!card)
        return `<D:response><D:href>${hrefOf(name)}</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`
      return entry(
        hrefOf(name),
        `<D:getetag>${card.etag}</D:getetag><CARD:address-data>${escaped(card.text)}</CARD:address-data>`,
      )
    })
    multistatus(response, found.join(''))
  }

  private matching(body: string): string[] {
    const filters = [...body.matchAll(/name="(\w+)"><c:text-match[^>]*>(.*?)<\/c:text-match>/g)]
    return [...this.cards].flatMap(([name, card]) =>
      filters.some(([, property, value]) =>
        new RegExp(`^(?:\\w+\\.)?${property}[^:]*:${value!.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\r?$`, 'im').test(
          card.text,
        ),
      )
        ? [name]
        : [],
    )
  }

  private sync(body: string, response: ServerResponse): void {
    const token = /<d:sync-token>(?:http:\/\/x\/(\d+))<\/d:sync-token>/.exec(body)?.[1]
    const since = Number(token ?? 0)
    if (token !== undefined && since < this.oldest) {
      response
        .writeHead(403, { 'content-type': 'application/xml' })
        .end('<D:error xmlns:D="DAV:"><D:valid-sync-token/></D:error>')
      return
    }
    const changes = this.log.filter(({ name, at }) => at > since && (token !== undefined || this.cards.has(name)))
    const shown = changes.slice(0, this.most)
    const parts = shown.map(({ name }) => {
      const card = this.cards.get(name)
      if (card) return entry(hrefOf(name), `<D:getetag>${card.etag}</D:getetag>`)
      return `<D:response><D:href>${hrefOf(name)}</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`
    })
    const cut = shown.length < changes.length
    if (cut)
      parts.push(
        `<D:response><D:href>${BOOK}</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>`,
      )
    const next = cut ? shown.at(-1)!.at : this.clock
    multistatus(response, `${parts.join('')}<D:sync-token>http://x/${next}</D:sync-token>`)
  }

  private write(method: string, name: string, headers: IncomingMessage['headers'], body: string): number {
    const card = this.cards.get(name)
    if (headers['if-none-match'] === '*' && card) return 412
    if (headers['if-match'] && headers['if-match'] !== card?.etag) return 412
    if (method === 'PUT') {
      this.put(name, body)
      return card ? 204 : 201
    }
    if (!card) return 404
    this.remove(name)
    return 204
  }
}

const hrefOf = (name: string): string => BOOK + encodeURIComponent(name)
const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\r', '&#13;')
const entry = (href: string, props: string): string =>
  `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${props}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
const multistatus = (response: ServerResponse, content: string): void => {
  const head = '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:CARD="urn:ietf:params:xml:ns:carddav">'
  response.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' }).end(`${head}${content}</D:multistatus>`)
}
