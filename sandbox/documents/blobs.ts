import { createHash, randomBytes } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Refusal } from '../http/index.ts'

export type Blob = { sha256: string; size: number }

const CAP = 256 * 1024 * 1024

/** The bytes of files, on disk under their SHA-256, so that equal contents are kept once and memory stays flat. */
export class Blobs {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** Takes a request's body as it comes; nothing of it counts before it is whole. */
  async receive(request: IncomingMessage): Promise<Blob> {
    const partial = join(this.#folder, `${randomBytes(8).toString('hex')}.partial`)
    const hash = createHash('sha256')
    let size = 0
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length
        hash.update(chunk)
        done(size > CAP ? new Refusal(413, 'too_large', `A file may have ${CAP} bytes`) : null, chunk)
      },
    })
    try {
      await pipeline(request, measure, createWriteStream(partial))
    } catch (error) {
      rmSync(partial, { force: true })
      throw error
    }
    const sha256 = hash.digest('hex')
    renameSync(partial, this.#path(sha256))
    return { sha256, size }
  }

  put(bytes: Buffer): Blob {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (!existsSync(this.#path(sha256))) writeFileSync(this.#path(sha256), bytes)
    return { sha256, size: bytes.length }
  }

  /** A part of the bytes; both ends included. */
  open(sha256: string, start: number, end: number): Readable {
    return createReadStream(this.#path(sha256), { start, end })
  }

  size(sha256: string): number {
    return statSync(this.#path(sha256)).size
  }

  delete(sha256: string): void {
    if (existsSync(this.#path(sha256))) unlinkSync(this.#path(sha256))
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256)
  }
}
