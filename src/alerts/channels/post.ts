import type { OutboundClient } from '../../outbound/index.ts'

const DEADLINE_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024

/** Posts JSON and wants a 2xx. The id inside makes a second one harmless, so an answer that got lost is simply tried again. */
export async function post(
  outbound: OutboundClient,
  url: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<undefined> {
  const response = await outbound.request({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body,
    idempotent: true,
    // The address of a channel is a secret.
    signed: true,
    deadlineMs: DEADLINE_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
  })
  const failure = outbound.failureOf(response, { notFound: 'address' })
  if (failure) throw failure
  return undefined
}
