import { PostgresConnection } from 'bullmq'

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>

/**
 * One connection object for all queues and workers of the process: a small pool plus one session that listens.
 * BullMQ gives each queue and worker a pool of its own and could hold 84 sessions for our four kinds.
 */
export class SharedConnection extends PostgresConnection {
  #listener: ListenClient | undefined

  /** Each queue and worker closes "its" connection; only the driver may really do it. */
  override async close(): Promise<void> {}

  async end(): Promise<void> {
    await super.close()
  }

  override async getListenClient(): Promise<ListenClient> {
    const client = await super.getListenClient()
    if (this.#listener !== client) {
      this.#listener = client
      guard(client)
    }
    return client
  }

  /** Asks the listening session for a sign of life; one that died silently is made anew, see `guard`. */
  checkListener(): void {
    this.#listener?.query('select 1').catch(() => undefined)
  }
}

/**
 * Lets one query at a time through, as node-pg wants it, for our workers share the session and know nothing of each other.
 * A session on which a query fails is broken off: BullMQ replaces it when it ends, but not when it stays silent, and a worker
 * whose LISTEN is never answered would take no more jobs.
 */
function guard(client: ListenClient): void {
  const query = client.query.bind(client)
  let last: Promise<unknown> = Promise.resolve()
  client.query = <Row>(text: string, parameters?: readonly unknown[]) => {
    const next = last.then(() => query<Row>(text, parameters))
    last = next.catch(() => breakOff(client))
    return next
  }
}

function breakOff({ connection }: ListenClient): void {
  const stream = connection?.stream
  if (typeof stream === 'object' && stream && 'destroy' in stream && typeof stream.destroy === 'function')
    stream.destroy()
}
