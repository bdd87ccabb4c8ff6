/** Reads server-sent events over a real socket, as the page does. */
import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream'
import { TOKEN } from './hub.ts'

export class Follower {
  readonly messages: EventSourceMessage[] = []
  readonly #gone = new AbortController()
  readonly #wakers = new Set<() => void>()
  ended = false

  static async open(url: string, lastEventId?: string): Promise<Follower> {
    const follower = new Follower()
    const answer = await fetch(`${url}/api/v1/feed`, {
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: follower.#gone.signal,
    })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    void follower.#read(answer)
    return follower
  }

  async #read(answer: Response): Promise<void> {
    const events = answer.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
    try {
      for await (const message of events) {
        this.messages.push(message)
        this.#wake()
      }
    } catch {
      // Cut, by us or by the hub.
    }
    this.ended = true
    this.#wake()
  }

  #wake(): void {
    for (const waker of this.#wakers) waker()
  }

  /** Without greetings and ticks. */
  get events(): EventSourceMessage[] {
    return this.messages.filter(({ event }) => !['ready', 'reset', 'tick'].includes(event!))
  }

  get lastId(): string {
    return this.messages.findLast(({ id }) => id !== undefined)!.id!
  }

  async until(holds: (follower: Follower) => boolean): Promise<void> {
    while (!holds(this)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wakers.add(resolve)
      await promise
      this.#wakers.delete(resolve)
    }
  }

  /** Hangs up; gives the id to go on from. */
  async leave(): Promise<string> {
    this.#gone.abort()
    await this.until(({ ended }) => ended)
    return this.lastId
  }
}
