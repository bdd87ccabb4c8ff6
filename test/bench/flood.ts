import { connect, type Socket } from 'node:net'
import { bodyOf, type Delivery, signed } from '../faults/rig/sender.ts'

/** A request as it goes over the wire. */
export function webhookRequest(delivery: Delivery): Buffer {
  const body = bodyOf(delivery)
  const headers = Object.entries({ host: 'hub', 'content-length': Buffer.byteLength(body), ...signed(body) })
  return Buffer.from(
    `POST /hooks/source HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`,
  )
}

/**
 * Sends ready-made requests over plain sockets, one at a time on each, and reads no more of an answer than its status. A client
 * of comfort takes as much of the machine as what is measured.
 */
export class Flood {
  readonly #port: number
  readonly #lines = new Set<Line>()
  readonly #free: (Line | undefined)[]
  readonly #waiting: ((line: Line) => void)[] = []

  constructor(url: string, sockets = 50) {
    this.#port = Number(new URL(url).port)
    this.#free = Array.from({ length: sockets }, () => undefined)
  }

  /** Status (0 = no answer) and milliseconds, the wait for a free socket included. */
  async send(request: Buffer): Promise<{ status: number; ms: number }> {
    const began = performance.now()
    const free = this.#free.length
      ? this.#free.pop()
      : await new Promise<Line>((resolve) => this.#waiting.push(resolve))
    const line = this.#open(free)
    const status = await line.send(request)
    const next = this.#waiting.shift()
    if (next) next(line)
    else this.#free.push(line)
    return { status, ms: performance.now() - began }
  }

  stop(): void {
    for (const line of this.#lines) line.destroy()
  }

  /** A server closes sockets that it hears nothing from (Causeway after 5 s without a first request): those are opened anew. */
  #open(line: Line | undefined): Line {
    if (line && !line.isClosed) return line
    if (line) this.#lines.delete(line)
    const opened = new Line(this.#port)
    this.#lines.add(opened)
    return opened
  }
}

/** One socket. Answers have no body, so an answer ends with its headers. */
class Line {
  readonly #socket: Socket
  #answer = ''
  #done: ((status: number) => void) | undefined

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    this.#socket.on('data', (text: string) => {
      this.#answer += text
      if (!this.#answer.includes('\r\n\r\n')) return
      const status = Number(this.#answer.slice(9, 12))
      this.#answer = ''
      this.#done?.(status)
    })
    this.#socket.on('close', () => this.#done?.(0))
    this.#socket.on('error', () => undefined)
  }

  get isClosed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded
  }

  send(request: Buffer): Promise<number> {
    if (this.#socket.destroyed) return Promise.resolve(0)
    return new Promise((resolve) => {
      this.#done = resolve
      this.#socket.write(request)
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
