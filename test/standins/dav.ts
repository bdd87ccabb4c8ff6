/**
 * A WebDAV server over a real socket that keeps its documents as files, takes ranges, and takes uploads in chunks under /uploads/
 * as Nextcloud does. Only what the hub asks for.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, type Stats } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'

export type DavStore = { url: string; host: string; asked: string[]; close(): Promise<void> }

export async function startDav(folder: string): Promise<DavStore> {
  await mkdir(join(folder, 'uploads'), { recursive: true })
  await mkdir(join(folder, 'drafts'), { recursive: true })
  const asked: string[] = []
  const fileOf = (path: string) => join(folder, normalize(path))
  const there = (file: string): Promise<Stats | null> => stat(file).catch(() => null)

  async function act(request: IncomingMessage, response: ServerResponse): Promise<number> {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname)
    asked.push(`${request.method} ${path}`)
    const file = fileOf(path)
    const found = await there(file)
    switch (request.method) {
      case 'PROPFIND': {
        if (!found) return 404
        const deep = found.isDirectory() && request.headers.depth === '1'
        const names = deep ? (await readdir(file)).sort() : []
        const members = await Promise.all(
          names.map(async (name) => describe(`${path.replace(/\/?$/, '/')}${name}`, await stat(join(file, name)))),
        )
        response.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' })
        response.end(
          `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">${describe(path, found)}${members.join('')}</d:multistatus>`,
        )
        return 0
      }
      case 'GET': {
        if (!found?.isFile()) return 404
        const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
        const from =
          first !== undefined && (request.headers['if-range'] ?? etagOf(found)) === etagOf(found) ? Number(first) : 0
        response.writeHead(from ? 206 : 200, {
          ...{ etag: etagOf(found), 'content-length': String(found.size - from) },
          ...(from ? { 'content-range': `bytes ${from}-${found.size - 1}/${found.size}` } : {}),
        })
        await pipeline(createReadStream(file, { start: from, highWaterMark: 262_144 }), response).catch(() => {})
        return 0
      }
      case 'PUT': {
        if (!(await there(dirname(file)))) return 409
        const draft = join(folder, 'drafts', randomUUID())
        await pipeline(request, createWriteStream(draft))
        await rename(draft, file)
        return 201
      }
      case 'MKCOL':
        if (found) return 405
        if (!(await there(dirname(file.replace(/\/$/, ''))))) return 409
        await mkdir(file)
        return 201
      case 'MOVE': {
        const target = fileOf(decodeURIComponent(new URL(String(request.headers.destination)).pathname))
        if (!(await there(dirname(target)))) return 409
        if (request.headers.overwrite === 'F' && (await there(target))) return 412
        if (!path.endsWith('/.file')) {
          if (!found) return 404
          await rename(file, target)
          return 201
        }
        return assemble(dirname(file), target, Number(request.headers['oc-total-length']))
      }
      case 'DELETE':
        if (!found) return 404
        await rm(file, { recursive: true })
        return 204
      default:
        return 405
    }
  }

  /** The chunks in the order of their names; refused unless they are as many bytes as was said. */
  async function assemble(chunks: string, target: string, total: number): Promise<number> {
    if (!(await there(chunks))) return 404
    const draft = join(folder, 'drafts', randomUUID())
    for (const name of (await readdir(chunks)).sort())
      await pipeline(createReadStream(join(chunks, name)), createWriteStream(draft, { flags: 'a' }))
    if ((await stat(draft)).size !== total) return 400
    await rename(draft, target)
    await rm(chunks, { recursive: true })
    return 201
  }

  const server = createServer((request, response) => {
    act(request, response).then(
      (status) => {
        if (status) response.writeHead(status).end()
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, asked },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

const etagOf = ({ ino, size, mtimeMs }: Stats): string => `"${ino}-${size}-${Math.round(mtimeMs * 1000)}"`

function describe(path: string, found: Stats): string {
  const href = `${path.split('/').map(encodeURIComponent).join('/')}${found.isDirectory() ? '/' : ''}`
    .replace(/\/+$/, '/')
    .replaceAll('%26', '&amp;')
  const props = found.isDirectory()
    ? '<d:resourcetype><d:collection/></d:resourcetype>'
    : `<d:resourcetype/><d:getcontentlength>${found.size}</d:getcontentlength><d:getetag>${etagOf(found).replaceAll('"', '&quot;')}</d:getetag>`
  return `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${props}<d:getlastmodified>${found.mtime.toUTCString()}</d:getlastmodified></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
}
