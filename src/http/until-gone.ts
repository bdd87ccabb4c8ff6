type Reply = { raw: { writableFinished: boolean; once(event: 'close', listener: () => void): unknown } }

/**
 * Ends what nobody waits for any more: the caller has hung up, or the time for the request is over. Fastify's `request.signal` cannot
 * be used for it, for it is aborted as soon as a request with a body has been read (seen with 5.12.8).
 */
export function untilGone(reply: Reply, withinMs: number): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return AbortSignal.any([gone.signal, AbortSignal.timeout(withinMs)])
}
