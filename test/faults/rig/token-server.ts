import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/**
 * An OAuth server with refresh tokens that serve once. Using one a second time revokes the whole grant, as careful vendors do;
 * then every further call is refused with `invalid_grant`.
 */
export class TokenServer {
  readonly url: string
  readonly refreshes: { at: number; granted: boolean }[] = []
  reused = 0
  revoked = false
  mishap: ((response: ServerResponse) => void) | undefined
  /** What an access token is good for, in seconds. */
  lifetimeSeconds = 3_600
  answerAfterMs = 20
  readonly #server: Server
  #generation = 0
  #expired = -1

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}/token`
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async start(): Promise<TokenServer> {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new TokenServer(server)
  }

  /** Every token it gave out. */
  get given(): string[] {
    return Array.from({ length: this.#generation + 1 }, (_, n) => [`access-${n}-91bc`, `refresh-${n}-7f3a`]).flat()
  }

  get firstRefreshToken(): string {
    return 'refresh-0-7f3a'
  }

  /** The access token given last stops being valid, as if its time were over. */
  expire(): void {
    this.#expired = this.#generation
  }

  accepts(authorization: string): boolean {
    const generation = Number(/^Bearer access-(\d+)-/.exec(authorization)?.[1] ?? -1)
    return !this.revoked && generation === this.#generation && generation > this.#expired
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (this.mishap) {
      this.refreshes.push({ at: Date.now(), granted: false })
      return this.mishap(response)
    }
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const granted = !this.revoked && form.get('refresh_token') === `refresh-${this.#generation}-7f3a`
    this.refreshes.push({ at: Date.now(), granted })
    if (granted) this.#generation++
    else {
      this.reused++
      this.revoked = true
    }
    await new Promise((done) => setTimeout(done, this.answerAfterMs))
    const body = granted
      ? {
          access_token: `access-${this.#generation}-91bc`,
          refresh_token: `refresh-${this.#generation}-7f3a`,
          expires_in: this.lifetimeSeconds,
          token_type: 'Bearer',
        }
      : { error: 'invalid_grant', error_description: 'the token was used before or revoked' }
    response.writeHead(granted ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
