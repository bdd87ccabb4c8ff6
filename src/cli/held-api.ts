import { type Api, openApi } from './api.ts'
import type { CliContext } from './context.ts'

/** A hub opened in this process is kept for so long after its last call: opening takes a second, and others want its folder. */
const IDLE_MS = 5_000

/**
 * The hub for a command that lives long. It is looked for anew with every call, so that one that was started or stopped meanwhile is
 * noticed; only one that had to be opened here is held, for the calls that follow at once.
 */
export class HeldApi {
  readonly #context: CliContext
  #opened: Promise<Api> | undefined
  #users = 0
  #idle: NodeJS.Timeout | undefined

  constructor(context: CliContext) {
    this.#context = context
  }

  /** As `Api.call`. */
  async call(method: 'GET' | 'POST', path: string, body?: object): Promise<string> {
    clearTimeout(this.#idle)
    this.#users++
    this.#opened ??= openApi(this.#context)
    const opened = this.#opened
    try {
      const api = await opened
      return await api.call(method, path, body)
    } finally {
      if (--this.#users === 0) await this.#rest(opened)
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const opened = this.#opened
    this.#opened = undefined
    await opened?.then((api) => api.close()).catch(() => undefined)
  }

  async #rest(opened: Promise<Api>): Promise<void> {
    const here = await opened.then(({ url }) => url === null).catch(() => false)
    if (this.#users > 0 || this.#opened !== opened) return
    if (here) this.#idle = setTimeout(() => void this.close(), IDLE_MS)
    else await this.close()
  }
}
