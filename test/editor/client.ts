/** An editor: speaks to a language server, a process of its own, by messages on its pipes. */
import { type ChildProcess, spawn } from 'node:child_process'

type Message = { id?: number; method?: string; params?: unknown; result?: unknown }

/** Frames of the protocol: a Content-Length header, an empty line, JSON. */
export class Client {
  readonly #child: ChildProcess
  readonly #answers: Record<string, (params: never) => unknown>
  readonly #waiting: { match(message: Message): boolean; resolve(message: Message): void }[] = []
  readonly #seen: Message[] = []
  #bytes = Buffer.alloc(0)
  #id = 0
  readonly exit: Promise<number | null>

  /** `answers`: what the editor says to questions of the server, by their method. */
  constructor(args: string[], answers: Record<string, (params: never) => unknown> = {}) {
    this.#answers = answers
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#read(chunk))
    this.exit = new Promise((resolve) => this.#child.on('exit', resolve))
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n')
      const length = Number(/Content-Length: (\d+)/.exec(this.#bytes.toString('latin1', 0, Math.max(0, end)))?.[1])
      if (end < 0 || this.#bytes.length < end + 4 + length) return
      const message = JSON.parse(this.#bytes.toString('utf8', end + 4, end + 4 + length)) as Message
      this.#bytes = this.#bytes.subarray(end + 4 + length)
      const answer = this.#answers[message.method ?? '']
      if (answer && message.id !== undefined) {
        this.#write({ id: message.id, result: answer(message.params as never) ?? null })
        continue
      }
      const at = this.#waiting.findIndex(({ match }) => match(message))
      if (at < 0) this.#seen.push(message)
      else this.#waiting.splice(at, 1)[0]!.resolve(message)
    }
  }

  #write(message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#child.stdin!.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  }

  notify(method: string, params: object): void {
    this.#write({ method, params })
  }

  async ask<T>(method: string, params: object): Promise<T> {
    const id = ++this.#id
    this.#write({ id, method, params })
    return (await this.wait((message) => message.id === id && message.method === undefined)).result as T
  }

  wait(match: (message: Message) => boolean): Promise<Message> {
    const at = this.#seen.findIndex(match)
    if (at >= 0) return Promise.resolve(this.#seen.splice(at, 1)[0]!)
    return new Promise((resolve) => this.#waiting.push({ match, resolve }))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
