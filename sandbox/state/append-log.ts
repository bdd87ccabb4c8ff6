import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * A file of lines that survives kill −9: every acknowledged change was handed to the operating system before, and a line
 * torn by the kill is cut off at the next start. No fsync: a stand-in need not survive a power cut.
 */
export class AppendLog {
  readonly path: string
  #file: number | null = null
  #size = 0

  constructor(path: string) {
    this.path = path
  }

  get size(): number {
    return this.#size
  }

  /** Whole lines of the file in their order; null when there is no file yet. */
  open(): string[] | null {
    if (!existsSync(this.path)) return null
    const bytes = readFileSync(this.path)
    // Appending behind a torn line would glue two lines together, so the file ends where the last whole line ends.
    const end = bytes.lastIndexOf(0x0a) + 1
    this.#file = openSync(this.path, 'r+')
    ftruncateSync(this.#file, end)
    this.#size = end
    return bytes
      .subarray(0, end)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
  }

  /** Replaces the whole file in one step: a kill in between leaves the old one. */
  replace(lines: Iterable<string>): void {
    mkdirSync(dirname(this.path), { recursive: true })
    const fresh = `${this.path}.new`
    const file = openSync(fresh, 'w')
    let size = 0
    for (const line of lines) size += writeAll(file, Buffer.from(`${line}\n`), size)
    renameSync(fresh, this.path)
    this.close()
    this.#file = file
    this.#size = size
  }

  append(line: string): void {
    if (this.#file === null) throw new Error(`${this.path} is not open`)
    try {
      this.#size += writeAll(this.#file, Buffer.from(`${line}\n`), this.#size)
    } catch (error) {
      // A full disk may have taken half a line; the caller keeps the change and tries again with the next one.
      ftruncateSync(this.#file, this.#size)
      throw error
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}

/** `writeSync` may take fewer bytes than it was given. */
function writeAll(file: number, bytes: Buffer, position: number): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, position + done)
  return bytes.length
}
