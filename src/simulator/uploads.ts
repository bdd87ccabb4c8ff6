/** Uploads in parts: an address is given, ranges are sent to it, the last one makes the record. */
import { randomBytes } from 'node:crypto'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'

export type Upload = { id: string; given: unknown; bytes: Buffer; total: number | null }

export class Uploads {
  private readonly open = new Map<string, Upload>()

  start(given: unknown, total: number | null): Upload {
    const upload: Upload = { id: randomBytes(8).toString('hex'), given, bytes: Buffer.alloc(0), total }
    this.open.set(upload.id, upload)
    return upload
  }

  find(id: unknown): Upload {
    const upload = this.open.get(String(id))
    if (!upload) throw new Refusal('not_found', { reason: 'upload', id })
    return upload
  }

  /**
   * Takes a part. Its place is that of `Content-Range`, where `*` for the range only asks how far we are; without the header, the
   * end of what is there. A part that leaves a gap is refused; one that came already is passed over.
   */
  take(upload: Upload, call: Call, offset?: number): void {
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(String(call.headers['content-range'] ?? ''))
    if (range?.[3] && range[3] !== '*') upload.total = Number(range[3])
    if (range && range[1] === undefined) return
    const from = offset ?? (range ? Number(range[1]) : upload.bytes.length)
    if (range && Number(range[2]) - Number(range[1]) + 1 !== call.bytes.length)
      throw new Refusal('invalid', { reason: 'range', message: 'Content-Range does not fit the bytes sent' }, true)
    if (from > upload.bytes.length)
      throw new Refusal(
        'invalid',
        { reason: 'range', message: `bytes from ${upload.bytes.length} on are missing` },
        true,
      )
    if (from + call.bytes.length <= upload.bytes.length) return
    upload.bytes = Buffer.concat([upload.bytes.subarray(0, from), call.bytes])
  }

  done(upload: Upload): boolean {
    return upload.total !== null && upload.bytes.length >= upload.total
  }

  close(upload: Upload): void {
    this.open.delete(upload.id)
  }
}
