/** What an object store of this folder is told, and what it holds. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

export type StoreOptions = {
  /** Where the bytes of the objects are kept. */
  folder: string
  port?: number
  accessKey: string
  secretKey: string
  bucket: string
  versioned?: boolean
  /** The most keys a listing gives, below what is asked for: a store may always give fewer. */
  page?: number
  /** Keys with this text in them may not be deleted by this user. */
  locked?: string
}

/** What to do with a request instead of, or after, answering it. */
export type Fault = {
  before?: 'cut' | 'slow-down' | 'error-200' | 'down' | 'html'
  after?: 'cut' | 'half'
} | null

export type Asked = {
  method: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  status: number
  /** What in it no object store knows. */
  alien: string | null
}

export type Stored = {
  file: string
  size: number
  etag: string
  crc: number
  type: string
  modified: Date
  version: string
  deleted?: true
}

export type Upload = {
  key: string
  type: string
  full: boolean
  parts: Map<number, { file: string; size: number; md5: string }>
}

/** A request as it arrived. */
export type Received = {
  method: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Body
}

export type Body = { file: string; size: number; md5: string; crc: number; sha256: string }

/** Sends an answer; `half` ends the connection in the middle of its body. */
export type Reply = (response: ServerResponse, half: boolean) => Promise<void>

/** An error of the store, in its words. */
export class StoreError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }

  send(response: ServerResponse): void {
    response.writeHead(this.status, { 'content-type': 'application/xml' })
    response.end(
      response.req.method === 'HEAD'
        ? undefined
        : `<?xml version="1.0"?><Error><Code>${this.code}</Code><Message>No.</Message></Error>`,
    )
  }
}
