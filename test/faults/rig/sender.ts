import { createHmac } from 'node:crypto'
import { Pool } from 'undici'
import { CANARY_PERSON } from '../../canary-words.ts'

export const WEBHOOK_SECRET = 'webhook-secret-of-the-rig'
export const FORMER_SECRET = 'former-webhook-secret-of-the-rig'

export type Delivery = { eventId: string; contact: { id: string; rev: number; [field: string]: unknown } }
/** `failure`: what the client says of an answer that did not come. */
export type Answer = Delivery & { status: number; failure?: string; ms: number; at: number }

/** The header of a delivery: when it was sent, and the digest over time and bytes. */
export function signed(body: string | Buffer, at = Date.now(), secret = WEBHOOK_SECRET): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000))
  const digest = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')
  return { 'content-type': 'application/json', 'x-timestamp': timestamp, 'x-signature': `sha256=${digest}` }
}

export const bodyOf = ({ eventId, contact }: Delivery): string =>
  JSON.stringify({ id: eventId, type: 'contact.changed', contact: { ...CANARY_PERSON, ...contact } })

/** A system that sends webhooks and keeps a log of every answer: the first of the four ledgers. */
export class Sender {
  readonly answers: Answer[] = []
  readonly #pool: Pool
  #stopped = false
  #events = 0

  constructor(url: string, connections = 50) {
    this.#pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 30_000, bodyTimeout: 30_000 })
  }

  event(contact: Delivery['contact']): Delivery {
    return { eventId: `e${++this.#events}`, contact }
  }

  /** Sends once; status 0 where no answer came. */
  async send(delivery: Delivery, connection = 'source'): Promise<Answer> {
    const began = performance.now()
    const body = bodyOf(delivery)
    let outcome: Pick<Answer, 'status' | 'failure'>
    try {
      const answer = await this.#pool.request({
        method: 'POST',
        path: `/hooks/${connection}`,
        headers: signed(body),
        body,
      })
      await answer.body.dump()
      outcome = { status: answer.statusCode }
    } catch (error) {
      // No answer: the sender does not know, and the ledgers will tell.
      outcome = { status: 0, failure: String(error) }
    }
    const answer = { ...delivery, ...outcome, ms: performance.now() - began, at: Date.now() }
    this.answers.push(answer)
    return answer
  }

  /** Sends until it was acknowledged, as senders of webhooks do, however long a busy machine needs. */
  async sendUntilTaken(delivery: Delivery, connection?: string): Promise<Answer> {
    for (;;) {
      const answer = await this.send(delivery, connection)
      if (isAcknowledged(answer) || this.#stopped) return answer
      await new Promise((done) => setTimeout(done, 200))
    }
  }

  /** Sends at a steady rate, whatever becomes of the answers; resolves when all are in. */
  async pour(deliveries: Delivery[], perSecond: number, send = (one: Delivery) => this.send(one)): Promise<Answer[]> {
    const began = performance.now()
    const pending: Promise<Answer>[] = []
    for (let i = 0; i < deliveries.length; ) {
      const due = Math.min(deliveries.length, Math.ceil(((performance.now() - began) / 1_000) * perSecond) + 1)
      while (i < due) pending.push(send(deliveries[i++]!))
      await new Promise((done) => setTimeout(done, 5))
    }
    return Promise.all(pending)
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.#pool.destroy()
  }
}

export const isAcknowledged = ({ status }: { status: number }): boolean => status >= 200 && status < 300

/** What was answered instead of 202, each as often as it was. */
export const refusalsAmong = (answers: Answer[]): string[] =>
  answers.filter(({ status }) => status !== 202).map(({ status, failure }) => failure ?? String(status))

/** The value that a share of all values does not exceed. */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
