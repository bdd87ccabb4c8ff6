/** The ZIP around a workbook, read where the file is: only the parts that are asked for are taken from it. */
import { Readable } from 'node:stream'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { CausewayError } from '../../../../core/index.ts'
import type { RowFile } from '../format.ts'
import type { OpenedFile } from '../place.ts'

const CHUNK = 64 * 1024
/** A workbook has some dozen parts. */
const MOST_ENTRIES = 10_000

export class Archive {
  private readonly zip: ZipFile
  private readonly entries: ReadonlyMap<string, Entry>
  private readonly name: string

  private constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>, name: string) {
    this.zip = zip
    this.entries = entries
    this.name = name
  }

  /** Reads the table of contents. CSW-2053 where the file is no ZIP: an old `.xls`, or a workbook with a password. */
  static async open({ handle, name }: RowFile): Promise<Archive> {
    try {
      const zip = await new Promise<ZipFile>((resolve, reject) =>
        yauzl.fromRandomAccessReader(
          new FileReader(handle),
          handle.size,
          { lazyEntries: true, autoClose: false },
          (error, opened) => (error ? reject(error) : resolve(opened!)),
        ),
      )
      return new Archive(zip, await contentsOf(zip), name)
    } catch (cause) {
      if (cause instanceof CausewayError) throw cause
      throw new CausewayError('CSW-2053', {
        what: `File ${JSON.stringify(name)} is no workbook of the form .xlsx.`,
        fix: 'Save it as .xlsx, without a password. The older .xls and the binary .xlsb are not read.',
        cause,
      })
    }
  }

  has(part: string): boolean {
    return this.entries.has(part.toLowerCase())
  }

  /** The text of a part in pieces; at most `most` bytes of it (CSW-2053). */
  async *text(part: string, most: number): AsyncGenerator<string> {
    const entry = this.entries.get(part.toLowerCase())
    if (!entry) throw this.broken(`the part ${part} is missing`)
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const stream = await this.stream(entry, part)
    let bytes = 0
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > most) throw this.broken(`the part ${part} has more than ${most} bytes`)
        yield decoder.decode(chunk, { stream: true })
      }
      yield decoder.decode()
    } catch (error) {
      if (error instanceof CausewayError) throw error
      throw this.broken(`the part ${part} cannot be unpacked`, error)
    } finally {
      stream.destroy()
    }
  }

  broken(why: string, cause?: unknown): CausewayError {
    return new CausewayError('CSW-2053', {
      what: `Workbook ${JSON.stringify(this.name)}: ${why}.`,
      place: { file: this.name },
      ...(cause === undefined ? {} : { cause }),
    })
  }

  close(): void {
    this.zip.close()
  }

  private stream(entry: Entry, part: string): Promise<Readable> {
    return new Promise((resolve, reject) =>
      this.zip.openReadStream(entry, (error, stream) =>
        error ? reject(this.broken(`the part ${part} cannot be opened`, error)) : resolve(stream),
      ),
    )
  }
}

/** Parts by their path in small letters: the standard compares them so. */
function contentsOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      entries.set(entry.fileName.replace(/^\//, '').toLowerCase(), entry)
      if (entries.size > MOST_ENTRIES) reject(new Error('too many entries'))
      else zip.readEntry()
    })
    zip.on('end', () => resolve(entries)).on('error', reject)
    zip.readEntry()
  })
}

class FileReader extends yauzl.RandomAccessReader {
  private readonly file: OpenedFile

  constructor(file: OpenedFile) {
    super()
    this.file = file
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(rangeOf(this.file, start, end), { objectMode: false })
  }
}

async function* rangeOf(file: OpenedFile, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
    const bytes = await file.read(buffer, at)
    if (bytes === 0) return
    at += bytes
    yield buffer.subarray(0, bytes)
  }
}
