import type { AlertKind } from '../config/index.ts'
import type { CausewayError } from '../core/index.ts'

/**
 * One thing that is wrong, however many records it touches. All of it is told to others, so it holds names of the configuration, codes and
 * counts, and never what a system said: that may quote a record.
 */
export type Subject = {
  /** The same for as long as it is the same thing. */
  key: string
  kind: AlertKind
  /** `error`: a person is needed. `warning`: the hub still tries, or waits, by itself. */
  severity: 'error' | 'warning'
  title: string
  /** Of the error registry. */
  code: string | null
  meaning: string
  action: string
  connection: string | null
  syncs: readonly string[]
  streams: readonly string[]
  /** How many records or failures are behind it. */
  count: number
  /** ISO 8601. */
  since: string
  /** Where the page shows it: a path behind the public address. */
  path: string
}

export type Turn = 'opened' | 'reopened' | 'recovered'

/** What goes to a route. `test` is sent when somebody asks for it, `digest` where many things turned at once. */
export type Message = {
  /** Goes along with every attempt: a receiver that has seen it can leave it. */
  id: string
  at: Date
} & (
  | { change: Turn; subject: Subject }
  | { change: 'digest'; total: number; items: readonly { change: Turn; subject: Subject }[] }
  | { change: 'test'; actor: string }
)

/** One way to tell somebody. */
export type Channel = {
  /** Rejects with a coded error where it did not get through; gives one where it did, and not to everybody. */
  send(message: Message): Promise<CausewayError | undefined>
  close(): void
}
