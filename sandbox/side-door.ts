import type { FaultSpec, RequestEntry } from './http/index.ts'
import type { JournalEntry, Row } from './state/index.ts'

/** A test's hand inside one sample system: see what was written, change records as a user would, make requests fail. */
export class SideDoor {
  readonly #base: string
  readonly #token: string

  constructor(url: string, token: string) {
    this.#base = `${url}/__sandbox`
    this.#token = token
  }

  /** Number of rows per table, archived and deleted-but-marked ones included. */
  counts = (): Promise<Record<string, number>> => this.#call('GET', '/counts')
  /** All rows of a table as the system keeps them inside. */
  records = <R extends Row>(table: string): Promise<R[]> => this.#call('GET', `/records/${table}`)
  /** What was created, updated and deleted, by whom, in order. */
  writes = (since = 0): Promise<JournalEntry[]> => this.#call('GET', `/writes?since=${since}`)
  clearWrites = (): Promise<unknown> => this.#call('DELETE', '/writes')
  requests = (): Promise<RequestEntry[]> => this.#call('GET', '/requests')
  clearRequests = (): Promise<unknown> => this.#call('DELETE', '/requests')
  /** Makes coming requests fail; see FaultSpec. */
  fault = (spec: FaultSpec): Promise<unknown> => this.#call('POST', '/faults', spec)
  clearFaults = (): Promise<unknown> => this.#call('DELETE', '/faults')
  /** Lets the clock run without waiting for it. */
  tick = (times = 1): Promise<unknown> => this.#call('POST', `/tick?times=${times}`)
  /** Ends all sessions. */
  expire = (): Promise<unknown> => this.#call('POST', '/expire')
  limit = (amount: number, windowMs: number): Promise<unknown> => this.#call('PUT', '/limit', { amount, windowMs })
  change = (table: string, id: string, fields: Row): Promise<Row> =>
    this.#call('PATCH', `/records/${table}/${encodeURIComponent(id)}`, fields)
  put = (table: string, id: string, row: Row): Promise<Row> =>
    this.#call('PUT', `/records/${table}/${encodeURIComponent(id)}`, row)
  remove = (table: string, id: string): Promise<unknown> =>
    this.#call('DELETE', `/records/${table}/${encodeURIComponent(id)}`)

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.#base + path, {
      method,
      headers: { 'x-sandbox-token': this.#token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`Side door ${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
}
