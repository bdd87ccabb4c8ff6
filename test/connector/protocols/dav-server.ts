import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

type Entry = { content: Buffer | null; id: number; stamp: number; modified: string }

/** A WebDAV server in memory, strict about what RFC 4918 says, with the oddities of real ones to switch on. */
export class DavServer {
  readonly entries = new Map<string, Entry>([['/dav/', folder(0)]])
  readonly requests: string[] = []
  url = ''
  /** Shows oc:fileid, as Nextcloud does. */
  fileIds = false
  /** Apache: the ETag of a fresh file is weak, and If-Match with it fails. */
  weakMs = 0
  prefix = 'D'
  /** Called before each answer; true when it has answered by itself. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false
  private counter = 1
  private readonly server = createServer((request, response) => {
    this.answer(request, response).catch((error) => response.destroy(error))
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/dav`
    return this
  }

  stop(): void {
    this.server.closeAllConnections()
    this.server.close()
  }

  /** Puts a file there, with its folders. */
  put(path: string, content: string): void {
    const parts = path.split('/')
    for (let i = 1; i < parts.length; i++) {
      const parent = `/dav/${parts.slice(0, i).join('/')}/`
      if (!this.entries.has(parent)) this.entries.set(parent, folder(this.counter++))
    }
    const at = `/dav/${path}`
    const id = this.entries.get(at)?.id ?? this.counter++
    this.entries.set(at, {
      content: Buffer.from(content),
      id,
      stamp: performance.now(),
      modified: 'Mon, 05 Jan 2026 08:00:00 GMT',
    })
  }

  private etag(entry: Entry): string {
    const tag = `"${entry.id}-${Math.round(entry.stamp * 1000)}"`
    return performance.now() - entry.stamp < this.weakMs ? `W/${tag}` : tag
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    this.requests.push(`${request.method} ${path}`)
    const body = await buffer(request)
    if (await this.intercept(request, response)) return
    const status = this.act(request, path, body, response)
    if (status !== null) response.writeHead(status).end()
  }

  private act(request: IncomingMessage, path: string, body: Buffer, response: ServerResponse): number | null {
    const entry = this.entries.get(path)
    const parent = path.replace(/[^/]*\/?$/, '')
    switch (request.method) {
      case 'PROPFIND':
        if (!entry) return 404
        return this.multistatus(path, request.headers.depth === '1', response)
      case 'GET':
        if (!entry?.content) return 404
        response.end(entry.content)
        return null
      case 'PUT': {
        if (!this.entries.has(parent)) return 409
        if (request.headers['if-none-match'] === '*' && entry) return 412
        const match = request.headers['if-match']
        if (match && (!entry || match.startsWith('W/') || match !== this.etag(entry))) return 412
        this.put(path.slice('/dav/'.length), body.toString())
        return entry ? 204 : 201
      }
      case 'MKCOL':
        if (entry) return 405
        if (!this.entries.has(parent)) return 409
        this.entries.set(path, folder(this.counter++))
        return 201
      case 'MOVE': {
        const to = decodeURIComponent(new URL(String(request.headers.destination)).pathname)
        if (!entry) return 404
        if (this.entries.has(to)) return 412
        this.entries.delete(path)
        this.entries.set(to, entry)
        return 201
      }
      case 'DELETE':
        return this.entries.delete(path) ? 204 : 404
      default:
        return 405
    }
  }

  private multistatus(path: string, members: boolean, response: ServerResponse): null {
    const shown = [...this.entries].filter(
      ([at]) =>
        at === path ||
        (members && path.endsWith('/') && at.startsWith(path) && /^[^/]+\/?$/.test(at.slice(path.length))),
    )
    const p = this.prefix
    const responses = shown.map(([at, entry]) => {
      const href = at.split('/').map(encodeURIComponent).join('/').replaceAll('%26', '&amp;')
      const file = entry.content
      const props = file
        ? `<${p}:resourcetype/><${p}:getcontentlength>${file.length}</${p}:getcontentlength><${p}:getetag>${this.etag(entry).replaceAll('"', '&quot;')}</${p}:getetag>`
        : `<${p}:resourcetype><${p}:collection/></${p}:resourcetype>`
      const id = this.fileIds ? `<oc:fileid>${entry.id}</oc:fileid>` : ''
      return `<${p}:response><${p}:href>${href}</${p}:href><${p}:propstat><${p}:prop>${props}${id}<${p}:getlastmodified>${entry.modified}</${p}:getlastmodified></${p}:prop><${p}:status>HTTP/1.1 200 OK</${p}:status></${p}:propstat><${p}:propstat><${p}:prop><${p}:getetag>wrong</${p}:getetag></${p}:prop><${p}:status>HTTP/1.1 404 Not Found</${p}:status></${p}:propstat></${p}:response>`
    })
    const xml = `<?xml version="1.0"?><${p}:multistatus xmlns:${p}="DAV:" xmlns:oc="http://owncloud.org/ns">${responses.join('')}</${p}:multistatus>`
    response.writeHead(207, { 'Content-Type': 'application/xml; charset=utf-8' }).end(xml)
    return null
  }
}

const folder = (id: number): Entry => ({ content: null, id, stamp: 0, modified: 'Mon, 05 Jan 2026 08:00:00 GMT' })
