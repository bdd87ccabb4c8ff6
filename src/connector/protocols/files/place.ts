/** A file of a connection, wherever it is: what formats, reads and rewrites need of its place. */
import { CausewayError } from '../../../core/index.ts'

export interface FilePlace {
  /** As the manifest names it; for messages. */
  readonly name: string
  /** What exchanges show: `file:stock.csv`. Without credentials. */
  readonly shown: string
  /** Opens it for reading; null where there is none. */
  open(): Promise<OpenedFile | null>
  /** Runs `work` as the only writer of the file; CSW-2055 when others keep it for longer than `waitMs`. */
  alone<T>(waitMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
  /**
   * Begins the file that will replace this one; asked by whoever is `alone`. It begins as a copy of `copyOf`'s bytes where
   * that is given.
   */
  draft(old: OpenedFile | null, options: { copy: boolean }): Promise<Draft>
  /** Gives back what the place holds (a connection to a server). */
  close(): Promise<void>
}

/** An open file. Reads name their offset, so that several readers of it do not disturb each other. */
export interface OpenedFile {
  readonly size: number
  /** False where a fingerprint counts whole seconds: a change within the second of the last one cannot be seen in it. */
  readonly exact: boolean
  /** Fills `into` from byte `at` on; gives how many bytes, 0 at the end of the file. */
  read(into: Buffer, at: number): Promise<number>
  /** What tells one state of the file from another, asked of the place now. */
  fingerprint(): Promise<string>
  close(): Promise<void>
}

/** A file in the making. Exactly one of `publish` and `discard` ends it. */
export interface Draft {
  write(text: string): Promise<void>
  /** Puts it in the place of the file, as one step; CSW-2055 when that one no longer has the fingerprint `before` (null: no file). */
  publish(before: string | null): Promise<void>
  discard(): Promise<void>
}

/** The refusal of a file that may not be opened. */
export const outside = (name: string, why: string): CausewayError =>
  new CausewayError('CSW-2051', { what: `File ${JSON.stringify(name)}: ${why}.` })

/** The folders and the name of a file below the folder of a connection. Refuses (CSW-2051) absolute names and `..`. */
export function partsOf(name: string): string[] {
  const parts = name.split(/[\\/]/)
  if (name === '' || name.includes('\0') || parts.some((part) => part === '..' || part === ''))
    throw outside(name, 'it is not a plain relative name')
  return parts
}

/** Somebody who does not know our lock was at work. */
export const changedMeanwhile = (name: string): CausewayError =>
  new CausewayError('CSW-2055', { what: `File ${JSON.stringify(name)} was changed by somebody else meanwhile.` })

/** The coded error of a failed file operation. Errors that are ours already pass through. */
export function fileFailure(error: unknown, name: string): CausewayError {
  if (error instanceof CausewayError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown'
  return new CausewayError('CSW-2052', {
    what: `File ${JSON.stringify(name)}: ${WORDS[code] ?? `the system answered ${code}`}.`,
    data: { cause: code },
    cause: error,
  })
}

const WORDS: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'the hub may not open it',
  EPERM: 'the hub may not change it',
  ENOSPC: 'no space is left',
  EROFS: 'it is on a read-only file system',
  ENOTDIR: 'a part of its path is a file',
  ELOOP: 'its links go round in a circle',
}
