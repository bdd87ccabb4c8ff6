/** Uploads, renames and deletions of one stream. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError } from '../../../core/index.ts'
import type { ContentStream, WriteItem, WriteOperation, WriteOutcome } from '../../contract.ts'
import { uploadInParts } from '../../parts/upload.ts'
import type { UploadStore } from '../../parts/upload-store.ts'
import type { CallOptions, WebDavClient } from './client.ts'
import { folderOf, urlOf } from './paths.ts'
import { inTurns, type Tree } from './tree.ts'
import { ChunkedUpload, type ChunkSettings } from './upload.ts'

/** Folders known to exist; bounded, because it lives as long as the connection. */
const KNOWN_FOLDERS = 10_000
/** Apache calls the ETag of a file weak for the first second, and refuses every If-Match with it. */
const WEAK_FOR_MS = 1_100

/** Where large files go up in chunks. */
type Chunks = ChunkSettings & { store: UploadStore; attempts: number }

export class Writer {
  private readonly client: WebDavClient
  private readonly tree: Tree
  private readonly folders = new Set<string>([''])
  private readonly making = new Map<string, Promise<void>>()

  private readonly chunks: Chunks | null

  constructor(client: WebDavClient, tree: Tree, chunks: Chunks | null) {
    this.chunks = chunks
    this.client = client
    this.tree = tree
  }

  /** Writes each item by itself: WebDAV has no batch. */
  async write(operation: WriteOperation, items: WriteItem[], options: CallOptions): Promise<WriteOutcome[]> {
    const jobs = items.map((item) => () => this.one(operation, item, options).catch((error) => outcomeOf(item, error)))
    return inTurns(jobs, this.client.concurrent)
  }

  private async one(operation: WriteOperation, item: WriteItem, options: CallOptions): Promise<WriteOutcome> {
    if (operation === 'delete') return this.remove(item, options)
    if (operation === 'update') return this.update(item, options)
    const path = item.key?.value ?? textOf(item, 'path')
    if (path === null) throw unfit('the mapping gives no `path`')
    const only = operation === 'create' ? 'new' : null
    await this.upload(path, item, only, options)
    return this.written(item, path, options)
  }

  private async update(item: WriteItem, options: CallOptions): Promise<WriteOutcome> {
    const current = await this.currentPath(item, options)
    if (current === null) return missing(item)
    const path = textOf(item, 'path') ?? current
    if (path !== current) {
      await this.parents(path, options)
      await this.client.move(this.tree.urlOf(current), this.tree.urlOf(path), options)
    }
    // An upload to a path makes a file where there is none, so a gone one must be noticed before.
    else if (!(await this.tree.byPath([path], options)).has(path)) return missing(item)
    if (item.content || textOf(item, 'text') !== null)
      await this.upload(path, item, await this.condition(item, path, options), options)
    return this.written(item, path, options)
  }

  private async remove(item: WriteItem, options: CallOptions): Promise<WriteOutcome> {
    const path = await this.currentPath(item, options)
    if (path === null) return missing(item)
    await this.client.remove(this.tree.urlOf(path), options)
    return { ref: item.ref, status: 'written', id: item.id ?? path }
  }

  /** Where the record is now. With file ids a remembered path may belong to another file by now, so it is asked for. */
  private async currentPath(item: WriteItem, options: CallOptions): Promise<string | null> {
    if (item.id === undefined) return null
    if (this.tree.identity === 'path') return item.id
    const remembered = typeof item.known?.path === 'string' ? item.known.path : null
    if (remembered !== null) {
      const found = (await this.tree.byPath([remembered], options)).get(remembered)
      if (found?.resource.fileId === item.id) return remembered
    }
    return (await this.tree.byFileId([item.id], options)).get(item.id)?.path ?? null
  }

  private async upload(
    path: string,
    item: WriteItem,
    only: 'new' | { etag: string } | null,
    options: CallOptions,
  ): Promise<void> {
    const url = this.tree.urlOf(path)
    const text = textOf(item, 'text')
    if (!item.content && text === null) throw unfit('the mapping gives neither `text` nor content')
    await this.parents(path, options)
    const given = textOf(item, 'media_type')
    if (item.content) {
      const opened = await item.content()
      const { stream, size, mediaType = 'application/octet-stream' } = opened
      if (this.chunks && (size ?? Number.POSITIVE_INFINITY) > this.chunks.partSize)
        return this.inChunks(this.chunks, { url, only }, item, opened, options)
      const length = size === undefined ? {} : { size }
      try {
        await this.client.put(url, stream, { ...options, ...length, only, mediaType: given ?? mediaType })
      } finally {
        stream.destroy()
      }
    } else {
      const mediaType = given ?? 'text/plain; charset=utf-8'
      await this.client.put(url, Buffer.from(text ?? '', 'utf8'), { ...options, only, mediaType })
    }
  }

  private async inChunks(
    chunks: Chunks,
    target: { url: string; only: 'new' | { etag: string } | null },
    item: WriteItem,
    first: ContentStream,
    options: CallOptions,
  ): Promise<void> {
    let opened: ContentStream | null = first
    const open = (from: number): Promise<ContentStream> => {
      const ready = opened
      opened = null
      if (ready && from === 0) return Promise.resolve(ready)
      ready?.stream.destroy()
      return item.content!(from)
    }
    const { store, attempts } = chunks
    const key = item.idempotencyKey || randomUUID()
    try {
      await uploadInParts(open, new ChunkedUpload(this.client, chunks, target, options), {
        ...{ key, store, attempts, signal: options.signal },
      })
    } finally {
      first.stream.destroy()
    }
  }

  /** The precondition of an update, where the hub asks for one. */
  private async condition(item: WriteItem, path: string, options: CallOptions): Promise<{ etag: string } | null> {
    const wanted = item.ifVersion?.replace(/^W\//, '')
    if (wanted === undefined) return null
    for (let attempt = 1; ; attempt++) {
      const etag = (await this.tree.byPath([path], options)).get(path)?.resource.etag
      if (etag?.replace(/^W\//, '') !== wanted)
        throw new CausewayError('CSW-3013', { what: 'The document changed in the target since it was read.' })
      if (!etag.startsWith('W/')) return { etag }
      // A server whose ETags are always weak can compare nothing; the comparison above is then all there is.
      if (attempt > 1) return null
      await sleep(WEAK_FOR_MS, undefined, { signal: options.signal })
    }
  }

  /**
   * Makes the missing collections on the way to a path, asking for the deepest first: mostly it is there. Items that share a
   * folder share the request: Apache answers 403 to the second of two MKCOLs at once.
   */
  private parents(path: string, options: CallOptions): Promise<void> {
    const folder = folderOf(path)
    if (this.folders.has(folder)) return Promise.resolve()
    const under = this.making.get(folder)
    if (under) return under
    const making = this.makeFolder(folder, options).finally(() => this.making.delete(folder))
    this.making.set(folder, making)
    return making
  }

  private async makeFolder(folder: string, options: CallOptions): Promise<void> {
    const url = urlOf(this.tree.root, folder, 'folder')
    try {
      if (!(await this.client.makeCollection(url, options))) {
        await this.parents(folder, options)
        await this.client.makeCollection(url, options)
      }
    } catch (error) {
      // Another process may have made it in the same moment.
      const found = await this.client.list(url, 0, options)
      if (!found?.resources.some((resource) => resource.isFolder)) throw error
    }
    if (this.folders.size > KNOWN_FOLDERS) this.folders.clear()
    this.folders.add(folder).add('')
  }

  private async written(item: WriteItem, path: string, options: CallOptions): Promise<WriteOutcome> {
    if (this.tree.identity === 'path') return { ref: item.ref, status: 'written', id: path }
    const found = (await this.tree.byPath([path], options)).get(path)
    if (!found?.resource.fileId)
      throw new CausewayError('CSW-3012', {
        what: 'The document was uploaded, but the server shows no file id for it.',
      })
    return { ref: item.ref, status: 'written', id: found.resource.fileId }
  }
}

const textOf = (item: WriteItem, field: string): string | null => {
  const value = item.values[field]
  return typeof value === 'string' ? value : null
}

const unfit = (why: string): CausewayError =>
  new CausewayError('CSW-2056', { what: `The document cannot be written: ${why}.` })

const missing = (item: WriteItem): WriteOutcome => ({
  ref: item.ref,
  status: 'missing',
  error: new CausewayError('CSW-3009', { what: 'The document does not exist there any more.' }),
})

function outcomeOf(item: WriteItem, error: unknown): WriteOutcome {
  if (!(error instanceof CausewayError)) throw error
  const byCode = { 'CSW-3012': 'unknown', 'CSW-3009': 'missing', 'CSW-3013': 'conflict' } as const
  const status = byCode[error.code as keyof typeof byCode] ?? (error.reaction === 'dead-letter' ? 'refused' : 'retry')
  return { ref: item.ref, status, error }
}
