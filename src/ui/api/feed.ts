/** What the hub tells of by itself: one stream of events for the page, gone on with where it was cut. */
import type { Query, QueryClient } from '@tanstack/react-query'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { useSyncExternalStore } from 'react'
import { currentIdentity, watchIdentity } from './identity.ts'
import { live, selecting } from './live.ts'
import { noteAnswer } from './reach.ts'
import { API, credentialsOf, headersOf } from './request.ts'
import { Signal } from './signal.ts'
import { isTouched } from './touched.ts'

/** `lost`: nothing comes, and the page asks at intervals until the stream is there again. */
type FeedState = { state: 'following' } | { state: 'lost'; since: Date }

const connection = new Signal<FeedState>({ state: 'lost', since: new Date() })
const isFollowing = (): boolean => connection.value.state === 'following'
export const useFeedState = (): FeedState => useSyncExternalStore(connection.subscribe, connection.get)

/** Ticks come every ten seconds; a line that is silent for so long is dead. */
const SILENCE_MS = 30_000
const AGAIN_MS = 1_000
const AGAIN_AT_MOST_MS = 15_000
/** Events of one look at the ledger come together. */
const GATHER_MS = 30

/** Follows the hub while somebody is signed in, the page is seen and not held. */
export function followHub(client: QueryClient): void {
  const follower = new Follower(client)
  const update = (): void => follower.want(currentIdentity() !== null && live.value && !document.hidden)
  watchIdentity(() => {
    follower.forget()
    update()
  })
  live.subscribe(update)
  document.addEventListener('visibilitychange', update)
  update()
}

class Follower {
  readonly #client: QueryClient
  #lastId: string | null = null
  #going: AbortController | undefined
  #kinds = new Set<string>()
  #heard: string | null = null
  #gathering: ReturnType<typeof setTimeout> | undefined

  constructor(client: QueryClient) {
    this.#client = client
    selecting.subscribe(() => this.#tell())
  }

  want(wanted: boolean): void {
    if (wanted === (this.#going !== undefined)) return
    if (wanted) {
      this.#going = new AbortController()
      void this.#stay(this.#going.signal)
    } else this.#stop()
  }

  /** Somebody else is here now: what the one before was told is not theirs. */
  forget(): void {
    this.#stop()
    this.#lastId = null
  }

  #stop(): void {
    this.#going?.abort()
    this.#going = undefined
    lose()
  }

  async #stay(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      // An end that the hub set comes after minutes; one after the other without anything said is a failure.
      const heard = await this.#listen(signal).catch(() => false)
      if (signal.aborted) return
      failures = heard ? 0 : failures + 1
      if (failures > 0) lose()
      await pause(Math.min(AGAIN_MS * 2 ** failures, AGAIN_AT_MOST_MS), signal)
    }
  }

  /** Reads one stream to its end. Gives whether anything was said. */
  async #listen(signal: AbortSignal): Promise<boolean> {
    const silent = new AbortController()
    let timer = setTimeout(() => silent.abort(), SILENCE_MS)
    let heard = false
    try {
      const identity = currentIdentity()
      const answer = await fetch(`${API}/feed`, {
        headers: { ...headersOf(identity), ...(this.#lastId === null ? {} : { 'last-event-id': this.#lastId }) },
        signal: AbortSignal.any([signal, silent.signal]),
        cache: 'no-store',
        credentials: credentialsOf(identity),
        redirect: 'error',
      })
      if (!answer.ok || answer.body === null) return false
      const reader = answer.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())
        .getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return heard
        heard = true
        clearTimeout(timer)
        timer = setTimeout(() => silent.abort(), SILENCE_MS)
        noteAnswer()
        if (!isFollowing()) connection.set({ state: 'following' })
        if (value.id !== undefined) this.#lastId = value.id
        this.#take(value.event ?? '', value.data)
      }
    } catch (error) {
      if (!heard) throw error
      return heard
    } finally {
      clearTimeout(timer)
    }
  }

  #take(kind: string, data: string): void {
    if (kind === 'ready') return
    this.#kinds.add(kind)
    // All pages that heard the same name it alike, and the hub answers them together.
    this.#heard = `${this.#lastId} ${kind === 'tick' ? data : ''}`
    this.#gathering ??= setTimeout(() => this.#tell(), GATHER_MS)
  }

  /** Asks again for what was touched, unless somebody is selecting text. */
  #tell(): void {
    this.#gathering = undefined
    if (!this.#going || selecting.value || this.#kinds.size === 0) return
    const kinds = this.#kinds
    this.#kinds = new Set()
    asOf.set(this.#heard)
    const touched = ({ queryKey, meta }: Query): boolean =>
      meta?.follows === true && isTouched(String(queryKey[0]), kinds)
    // Asking again would cut off the page of a list that somebody just asked for, and nobody asks for it twice: the list waits.
    if (this.#client.getQueryCache().findAll({ predicate: touched }).some(isPaging)) {
      for (const kind of kinds) this.#kinds.add(kind)
      this.#gathering = setTimeout(() => this.#tell(), GATHER_MS)
    }
    void this.#client.invalidateQueries({ predicate: (query) => touched(query) && !isPaging(query) })
  }
}

/** Whether a list is getting another page. */
const isPaging = ({ state: { fetchStatus, fetchMeta } }: Query): boolean =>
  fetchStatus === 'fetching' && fetchMeta?.fetchMore !== undefined

/** What the page has heard last; null after an action of its own, whose effects an answer for others need not show. */
export const asOf = new Signal<string | null>(null)

function lose(): void {
  if (isFollowing()) connection.set({ state: 'lost', since: new Date() })
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      done()
    })
  })
