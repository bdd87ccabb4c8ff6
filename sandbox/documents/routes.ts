import { type Answer, type Call, Refusal, Router } from '../http/index.ts'
import type { Blobs } from './blobs.ts'
import { etag, type Item, ROOT, type Shelf } from './shelf.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** The API of the document store. */
export function routes(shelf: Shelf, blobs: Blobs): Router {
  const router = new Router()
  const show = (item: Item) => ({
    id: item.id,
    type: item.type,
    name: item.name,
    parent_id: item.parentId,
    path: shelf.path(item),
    size: item.size,
    sha256: item.sha256,
    media_type: item.mediaType,
    external_id: item.externalId,
    properties: item.properties,
    etag: etag(item),
    created_at: iso(item.createdAt),
    modified_at: iso(item.modifiedAt),
  })
  const one = (status: number, item: Item): Answer => ({ status, headers: { etag: etag(item) }, json: show(item) })
  const id = (call: Call): string => call.params.id ?? ''

  router.on('GET', '/v1/items', (call) => ({ status: 200, json: list(shelf, call, show) }))
  router.on('POST', '/v1/items', (call) => one(201, shelf.create(call.json())))
  router.on('GET', '/v1/items/:id', (call) => one(200, shelf.get(id(call))))
  router.on('PATCH', '/v1/items/:id', (call) => one(200, shelf.change(id(call), call.json(), call.header('if-match'))))
  router.on('DELETE', '/v1/items/:id', (call) => {
    shelf.remove(id(call), call.header('if-match'))
    return { status: 204 }
  })
  router.on('GET', '/v1/bin', (call) => ({ status: 200, json: bin(shelf, call) }))
  router.on('GET', '/v1/items/:id/content', (call) => download(shelf.get(id(call)), blobs, call))
  router.on('PUT', '/v1/items/:id/content', (call) => upload(shelf, blobs, call, one), { streaming: true })
  router.on('PUT', '/v1/files', (call) => uploadByPath(shelf, blobs, call, one), { streaming: true })
  return router
}

/** A page in the order items were made. The token names the last one given, so that changes shift nothing. */
function list(shelf: Shelf, call: Call, show: (item: Item) => unknown) {
  const size = call.integer('page_size', 100, 1, 200)
  const after = position(call.query.get('page_token'))
  const parent = call.query.get('parent_id')
  const type = call.query.get('type')
  const externalIds = call.query.get('external_id')?.split(',')
  const since = time(call, 'modified_since')
  const rest = [...shelf.items.rows()].filter(
    (item) =>
      item.seq > after &&
      item.id !== ROOT &&
      (parent === null || item.parentId === parent) &&
      (type === null || item.type === type) &&
      (externalIds === undefined || externalIds.includes(item.externalId ?? '')) &&
      (since === null || item.modifiedAt >= since),
  )
  const page = rest.slice(0, size)
  const token = rest.length > size ? Buffer.from(`after ${page.at(-1)?.seq}`).toString('base64url') : null
  return { items: page.map(show), next_page_token: token }
}

function position(token: string | null): number {
  if (token === null) return 0
  const found = /^after (\d+)$/.exec(Buffer.from(token, 'base64url').toString())
  if (found === null) throw new Refusal(400, 'bad_token', 'page_token does not come from this API')
  return Number(found[1])
}

function time(call: Call, name: string): number | null {
  const text = call.query.get(name)
  if (text === null) return null
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new Refusal(400, 'bad_time', `${name} must be a time such as 2026-01-31T10:00:00Z`)
  return ms
}

/** What was removed since a moment, oldest first. */
function bin(shelf: Shelf, call: Call) {
  const since = time(call, 'since') ?? 0
  const removed = [...shelf.removed.rows()].filter((item) => item.removedAt >= since)
  return { items: removed.map(({ id, name, removedAt }) => ({ id, name, removed_at: iso(removedAt) })) }
}

/** Bytes of a file, whole or from a place on, so that a broken download can go on. */
function download(item: Item, blobs: Blobs, call: Call): Answer {
  if (item.type !== 'file' || item.sha256 === null) throw new Refusal(400, 'not_a_file', `${item.id} is a folder`)
  const size = blobs.size(item.sha256)
  const headers: Record<string, string> = {
    'content-type': item.mediaType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: etag(item),
    'x-content-sha256': item.sha256,
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(call.header('range'))
  const start = range === null ? 0 : Number(range[1])
  const end = Math.min(range?.[2] ? Number(range[2]) : size - 1, size - 1)
  if (range !== null && start > end)
    return { status: 416, headers: { 'content-range': `bytes */${size}` }, json: { title: 'range', status: 416 } }
  if (size === 0) return { status: 200, headers, text: '' }
  headers['content-length'] = String(end - start + 1)
  if (range !== null) headers['content-range'] = `bytes ${start}-${end}/${size}`
  return { status: range === null ? 200 : 206, headers, stream: blobs.open(item.sha256, start, end) }
}

type Show = (status: number, item: Item) => Answer

async function upload(shelf: Shelf, blobs: Blobs, call: Call, one: Show): Promise<Answer> {
  const id = call.params.id ?? ''
  shelf.get(id)
  const blob = await receive(blobs, call)
  return one(200, shelf.fill(id, blob, call.header('content-type'), call.header('if-match')))
}

/** Creates or replaces the file at a path; folders on the way are made. `If-None-Match: *` refuses to replace. */
async function uploadByPath(shelf: Shelf, blobs: Blobs, call: Call, one: Show): Promise<Answer> {
  const path = call.query.get('path') ?? ''
  const names = path.split('/').filter((name) => name !== '')
  const name = names.pop()
  if (name === undefined) throw new Refusal(400, 'bad_path', 'path must name a file, such as /Invoices/1.html')
  const blob = await receive(blobs, call)
  const existing = shelf.atPath(path)
  if (existing !== undefined && call.header('if-none-match') === '*')
    throw new Refusal(412, 'exists', `${path} exists already`, { existing_id: existing.id })
  const file = existing ?? shelf.create({ name, parent_id: shelf.makeFolders(names.join('/')).id, ...described(call) })
  const filled = shelf.fill(file.id, blob, call.header('content-type'), call.header('if-match'))
  return one(existing === undefined ? 201 : 200, filled)
}

/** What the query says of a new file beside its path; `properties` is JSON. */
function described(call: Call): Record<string, unknown> {
  const text = call.query.get('properties')
  try {
    const properties = text === null ? {} : { properties: JSON.parse(text) as unknown }
    return { external_id: call.query.get('external_id'), ...properties }
  } catch {
    throw new Refusal(400, 'invalid', 'properties must be a JSON object')
  }
}

async function receive(blobs: Blobs, call: Call) {
  const blob = await blobs.receive(call.request)
  const expected = call.header('x-content-sha256')
  if (expected !== '' && expected !== blob.sha256)
    throw new Refusal(400, 'hash_mismatch', `The bytes have the SHA-256 ${blob.sha256}, not ${expected}`)
  return blob
}
