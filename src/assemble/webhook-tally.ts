import type { CausewayError } from '../core/index.ts'
import type { WebhookIntake } from '../http/index.ts'

/** A stranger can make up as many names as it likes; they all count as one. */
export const UNKNOWN = null

type Outcome =
  | { kind: 'stored'; events: number; duplicates: number }
  | { kind: 'handshake' }
  | { kind: 'refused'; error: CausewayError }

/**
 * What came in at the webhook addresses since this process began, by connection. Refused deliveries are stored nowhere, because anybody
 * can send them; without a tally nobody could tell a wrong secret from a sender that is silent.
 */
export class WebhookTally {
  readonly #rows = new Map<string | null, WebhookIntake>()

  note(connection: string | null, outcome: Outcome, at: Date): void {
    const row = this.#rows.get(connection) ?? emptyRow(connection)
    this.#rows.set(connection, row)
    row.lastAt = at
    if (outcome.kind === 'handshake') row.handshakes++
    else if (outcome.kind === 'refused') noteRefusal(row, outcome.error, at)
    else {
      row.stored += outcome.events - outcome.duplicates
      row.duplicates += outcome.duplicates
    }
  }

  list(): WebhookIntake[] {
    return [...this.#rows.values()]
  }
}

const emptyRow = (connection: string | null): WebhookIntake => ({
  connection,
  stored: 0,
  duplicates: 0,
  handshakes: 0,
  refused: [],
  lastAt: null,
})

/** One row per code: the codes are few, what they say in words may hold anything. */
function noteRefusal(row: WebhookIntake, { code, message: what, fix }: CausewayError, at: Date): void {
  const known = row.refused.find((refusal) => refusal.code === code)
  if (known) Object.assign(known, { what, lastAt: at, count: known.count + 1 })
  else row.refused.push({ code, what, fix, count: 1, lastAt: at })
}
