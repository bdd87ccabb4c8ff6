/**
 * Uploads in chunks as Nextcloud and ownCloud take them: a collection of their own for the chunks, and a MOVE that makes a file of
 * them (Nextcloud developer manual, "Chunked file upload").
 */
import { randomUUID } from 'node:crypto'
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import { lostUpload, type UploadSummary, type UploadTarget } from '../../parts/upload.ts'
import type { UploadPart } from '../../parts/upload-parts.ts'
import type { CallOptions, WebDavClient } from './client.ts'

export type ChunkSettings = { folder: string; partSize: number }

export class ChunkedUpload implements UploadTarget<true> {
  private readonly client: WebDavClient
  private readonly settings: ChunkSettings
  private readonly target: { url: string; only: 'new' | { etag: string } | null }
  private readonly options: CallOptions

  constructor(
    client: WebDavClient,
    settings: ChunkSettings,
    target: { url: string; only: 'new' | { etag: string } | null },
    options: CallOptions,
  ) {
    this.client = client
    this.settings = settings
    this.target = target
    this.options = options
  }

  partSize(session: JsonObject): number {
    return Number(session.part_size)
  }

  async start(): Promise<JsonObject> {
    const id = `causeway-${randomUUID()}`
    const made = await this.client.makeCollection(this.folder(id), this.options, { Destination: this.target.url })
    if (!made)
      throw new CausewayError('CSW-3014', {
        what: 'The server has no collection for chunks at the address of `chunks`.',
        fix: 'Correct `chunks.folder`; for Nextcloud it is <server>/remote.php/dav/uploads/<user>.',
      })
    return { id, part_size: this.settings.partSize, target: this.target.url }
  }

  async send(session: JsonObject, part: UploadPart, summary: UploadSummary) {
    try {
      await this.client.put(`${this.folder(String(session.id))}${chunkName(part.number)}`, part.bytes, {
        ...this.options,
        ...{ only: null, size: part.bytes.length },
        headers: { Destination: this.target.url },
      })
    } catch (error) {
      // The collection of the chunks is gone.
      if (error instanceof CausewayError && ['CSW-3009', 'CSW-3014'].includes(error.code))
        throw lostUpload(`Chunk ${part.number} at byte ${summary.size} was not taken.`)
      throw error
    }
    return {}
  }

  /** The chunks in one row from the first, whole ones only: half of one is sent again over itself. */
  readonly progress = async (session: JsonObject): Promise<{ offset: number } | null> => {
    if (session.target !== this.target.url) return null
    const listing = await this.client.list(this.folder(String(session.id)), 1, this.options)
    if (listing === null) return null
    const sizes = new Map(
      listing.resources.map(({ href, size }) => [
        decodeURIComponent(href).replace(/\/$/, '').split('/').at(-1),
        Number(size),
      ]),
    )
    let offset = 0
    for (let number = 1; sizes.get(chunkName(number)) === this.partSize(session); number++)
      offset += this.partSize(session)
    return { offset }
  }

  readonly commit = async (session: JsonObject, _parts: unknown, { size }: UploadSummary): Promise<true> => {
    const { url, only } = this.target
    await this.client.move(`${this.folder(String(session.id))}.file`, url, this.options, {
      Overwrite: only === 'new' ? 'F' : 'T',
      'OC-Total-Length': String(size),
      ...(only !== null && only !== 'new' ? { If: `<${url}> ([${only.etag}])` } : {}),
    })
    return true
  }

  private folder(id: string): string {
    return `${this.settings.folder.replace(/\/+$/, '')}/${id}/`
  }
}

/** Servers put the chunks together in the order of their names. */
const chunkName = (number: number): string => String(number).padStart(5, '0')
