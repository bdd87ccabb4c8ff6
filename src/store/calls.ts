import pg from 'pg'

/*
 * Calls between the processes of a hub, by NOTIFY: they arrive within a millisecond of a commit, cost no row and no job, and are
 * lost with the session that listens. Nothing depends on them: what they tell of stands in the tables.
 */

const CHANNEL = 'causeway_call'

/** SQL that calls when its transaction commits; equal calls of one transaction are one. */
export const callOf = (kind: string, id: string): string => `pg_notify('${CHANNEL}', ${kind} || ' ' || ${id})`

/** Calls other processes about a piece of work. */
export async function call(pool: pg.Pool, kind: string, id: string): Promise<void> {
  await pool.query({ name: 'call', text: `select ${callOf('$1::text', '$2::text')}`, values: [kind, id] })
}

export type CallListener = { close(): Promise<void> }

const AGAIN_MS = 1_000
/** A session that died silently is found out by a question that has no answer. */
const HEARTBEAT_MS = 15_000

/**
 * Listens on a session of its own for as long as it is open; a session that ends is replaced. `onListening` is called each time it listens
 * again: calls of before were missed.
 */
export function listenForCalls(
  url: string,
  onCall: (kind: string, id: string) => void,
  onListening: () => void = () => undefined,
): CallListener {
  let client: pg.Client | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const again = (lost: pg.Client): void => {
    if (lost !== client) return
    client = undefined
    lost.removeAllListeners('notification')
    lost.end().catch(() => undefined)
    clearTimeout(timer)
    if (!closed) timer = setTimeout(() => (connecting = connect()), AGAIN_MS).unref()
  }
  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url,
      application_name: 'causeway-calls',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
    })
    client = next
    next.on('error', () => again(next))
    next.on('end', () => again(next))
    next.on('notification', ({ payload = '' }) => {
      const [kind, id] = payload.split(' ')
      if (kind && id) onCall(kind, id)
    })
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      const beat = (): void => {
        timer = setTimeout(() => next.query('select 1').then(beat, () => again(next)), HEARTBEAT_MS).unref()
      }
      if (next !== client) return
      beat()
      onListening()
    } catch {
      again(next)
    }
  }
  let connecting = connect()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await connecting
      clearTimeout(timer)
      const last = client
      client = undefined
      await last?.end().catch(() => undefined)
    },
  }
}
