/** Bounds of everything a client can send or hold. Fastify's own time limits are off unless set. */
export type Limits = {
  bodyBytes: number
  headerBytes: number
  jsonDepth: number
  /** Request line and headers must have come. */
  headersMs: number
  /** The whole request must have come. */
  requestMs: number
  /** A handler must have answered. */
  handlerMs: number
  /** A socket without any traffic is closed. */
  idleSocketMs: number
  keepAliveMs: number
  socketsPerAddress: number
  /** Requests with a wrong token, per minute and address. */
  wrongTokensPerMinute: number
  /** Requests of one token or person, per minute. */
  requestsPerMinute: number
  /** Logins at a provider that are begun, per minute and address. */
  loginsPerMinute: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  jsonDepth: 64,
  headersMs: 5_000,
  requestMs: 10_000,
  handlerMs: 15_000,
  idleSocketMs: 75_000,
  keepAliveMs: 60_000,
  socketsPerAddress: 100,
  wrongTokensPerMinute: 10,
  requestsPerMinute: 6_000,
  loginsPerMinute: 30,
}
